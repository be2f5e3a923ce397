"""Why there is no answer from the agent: by key, English and Chinese, with the same facts in braces."""

ASK: dict[str, tuple[str, str]] = {
    "ask.not_running": (
        "not running: nothing answers at {path}; start it with `systemctl start outpost`, or `outpost run`",
        "没有运行：{path} 无应答；用 `systemctl start outpost` 或 `outpost run` 启动",
    ),
    "ask.not_allowed": (
        "you may not ask the agent at {path}: use sudo, or join the group with `sudo usermod -aG outpost $USER` and log in again",
        "当前用户无权查询 {path}：使用 sudo，或运行 `sudo usermod -aG outpost $USER` 加入用户组后重新登录",
    ),
    "ask.not_taken": ("the agent at {path} does not take the question: {reason}", "{path} 的程序没有接收查询（{reason}）"),
    "ask.no_way": ("cannot ask at {path}: {reason}", "无法向 {path} 查询（{reason}）"),
    "ask.silent": (
        "the agent at {path} runs, but says nothing; `journalctl -u outpost` may tell why",
        "{path} 的程序在运行，但没有应答；可查看 `journalctl -u outpost`",
    ),
    "ask.broken": ("the agent at {path} ended while it was asked: {reason}", "{path} 的程序在查询过程中结束（{reason}）"),
    "ask.ended": ("the agent at {path} ended while it was asked", "{path} 的程序在查询过程中结束"),
    "ask.foreign": ("what answers at {path} is not an outpost agent: {reason}", "{path} 的应答不是 outpost 程序的（{reason}）"),
    "ask.no_map": (
        "what answers at {path} is not an outpost agent: expected a map, found {found}",
        "{path} 的应答不是 outpost 程序的：应为对象，收到 {found}",
    ),
    "ask.refused": ("the agent at {path} answers: {reason}", "{path} 的程序答复：{reason}"),
}
