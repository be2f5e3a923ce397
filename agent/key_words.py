"""What is said of keys that the agent is not given: by key, English and Chinese, with the same facts in braces. Standard library only."""

KEYS: dict[str, tuple[str, str]] = {
    "folder_unread": ("{path} cannot be read ({reason}); the keys before are used on", "无法读取 {path}（{reason}）；继续使用原来的密钥"),
    "left_out": ("{path} is left out: {reason}", "{path} 未交给程序：{reason}"),
    "unread": ("{path} cannot be read ({reason})", "无法读取 {path}（{reason}）"),
    "unread_kept": ("{path} cannot be read ({reason}); the one before is used on", "无法读取 {path}（{reason}）；继续使用原来的"),
    "pair": ("{cert} and {key} cannot be used: {reason}", "{cert} 和 {key} 无法使用：{reason}"),
    "pair_kept": (
        "{cert} and {key} cannot be used: {reason}; the ones before are used on",
        "{cert} 和 {key} 无法使用：{reason}；继续使用原来的",
    ),
    # why a file is left out
    "name_odd": (
        "systemd hands over plain ASCII names without a colon only; rename it, or move it away",
        "systemd 只接受不含冒号的 ASCII 文件名；请改名或移走",
    ),
    "name_long": ("its name has {found} characters, {most} are allowed", "文件名有 {found} 个字符，最多 {most} 个"),
    "no_file": ("it is no file; move it away", "不是文件，请移走"),
    "large": ("it has more than {most} bytes, so it is no key; move it away", "超过 {most} 字节，不是密钥，请移走"),
    "many": ("there are more than {most} files; move away what the config does not name", "超过 {most} 个文件；请移走配置中没有引用的"),
    "heavy": (
        "all together have more than {most} bytes; move away what the config does not name",
        "总计超过 {most} 字节；请移走配置中没有引用的",
    ),
    # why a certificate and a key cannot be used
    "alone": ("only {name} is there", "只有 {name}"),
    "mismatch": ("the key is not that of the certificate", "私钥与证书不配套"),
    "no_pem": ("they are no certificate and key in PEM ({reason})", "不是 PEM 格式的证书和私钥（{reason}）"),
    "locked": (
        "the key is encrypted, and nobody is there to give its password",
        "私钥已加密，启动时没有人输入密码",
    ),
    "unusable": ("{reason}", "系统报告 {reason}"),
}
