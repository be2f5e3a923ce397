"""The words of the installer where it cannot go on: by code, English and Chinese, with the same facts in braces."""

REFUSED: dict[str, tuple[str, str]] = {
    # before anything is changed
    "checks.refused": ("{count} in the way; nothing was changed:\n{found}", "有 {count} 项障碍，没有改动任何东西：\n{found}"),
    "checks.item": ("  - {what}", "  - {what}"),
    "checks.root": ("this needs root: run it with sudo", "需要 root 权限：请用 sudo 运行"),
    "checks.bits": (
        (
            "this system is {bits}-bit (its programs, whatever its kernel is); Outpost is built for 64-bit only: "
            'flash "Raspberry Pi OS Lite (64-bit)"; a Raspberry Pi 3, 4, 5 or Zero 2 W runs it'
        ),
        (
            "本系统是 {bits} 位的（指其中的程序，不论内核）；前哨只有 64 位版本：请刷 “Raspberry Pi OS Lite (64-bit)”，"
            "树莓派 3、4、5 或 Zero 2 W 均可运行"
        ),
    ),
    "checks.python": (
        "found {found}; expected CPython {least} or later: Raspberry Pi OS 12 (bookworm) or later has it",
        "找到 {found}，需要 CPython {least} 或更高：Raspberry Pi OS 12（bookworm）或更新的系统自带",
    ),
    "checks.venv": (
        "{found} cannot make a virtual environment: sudo apt-get install python3-venv",
        "{found} 不能建立虚拟环境：sudo apt-get install python3-venv",
    ),
    "checks.system": (
        "found {told}; expected Raspberry Pi OS or Debian {least} or later",
        "本系统：{told}；需要 Raspberry Pi OS 或 Debian {least} 或更新",
    ),
    "checks.unnamed": ("a system without /etc/os-release", "不明（没有 /etc/os-release）"),
    "checks.old": (
        "found {told}; expected {least} (bookworm) or later: flash a new card",
        "本系统：{told}；需要 {least}（bookworm）或更新：请重新写卡",
    ),
    "checks.systemd": (
        "systemd does not run here; for a tree that will be booted later (an image that is being made) say --image",
        "这里没有运行 systemd；若是在制作以后才启动的镜像，请加 --image",
    ),
    "checks.overlay": (
        (
            "/ is an overlay, what is written to it is gone at the next start: sudo raspi-config nonint disable_overlayfs, restart, "
            "install, then sudo raspi-config nonint enable_overlayfs and restart"
        ),
        (
            "/ 是 overlay，写入的内容重启后就没有了：sudo raspi-config nonint disable_overlayfs，重启，安装，"
            "再执行 sudo raspi-config nonint enable_overlayfs 并重启"
        ),
    ),
    "checks.read_only": (
        "/ is mounted read-only: sudo mount -o remount,rw / ; install ; sudo mount -o remount,ro /",
        "/ 以只读方式挂载：sudo mount -o remount,rw / ；安装；sudo mount -o remount,ro /",
    ),
    "checks.room": (
        "{free} MB are free for {path}; expected {least} MB: sudo apt-get clean, or a greater card",
        "{path} 可用空间 {free} MB，需要 {least} MB：sudo apt-get clean，或换更大的卡",
    ),
    "checks.boot_read_only": (
        "{path} is mounted read-only: sudo mount -o remount,rw {path}",
        "{path} 以只读方式挂载：sudo mount -o remount,rw {path}",
    ),
    "checks.boot_room": (
        "{free} kB are free on {path}; expected {least} kB: remove what does not belong there",
        "{path} 可用空间 {free} kB，需要 {least} kB：请删除不该放在那里的文件",
    ),
    "checks.no_wheels": (
        "{path} has no wheels/ and is no checkout: unpack the whole bundle, and run ./install in it",
        "{path} 中没有 wheels/，也不是源码目录：请完整解开安装包，在其中运行 ./install",
    ),
    "checks.no_own_wheel": (
        "{path}/wheels has no wheel of outpost-agent: unpack the whole bundle again",
        "{path}/wheels 中没有 outpost-agent 的 wheel：请重新完整解开安装包",
    ),
    "checks.machine": (
        "the wheels of this bundle are for {machines}, this machine is {machine}: take the bundle for {machine}",
        "本安装包的 wheel 用于 {machines}，本机是 {machine}：请换用 {machine} 的安装包",
    ),
    "checks.wheels": (
        (
            "the wheels of {missing} are for {pythons}, {executable} is CPython {found}: take a bundle that "
            "has {tag}, or flash the Raspberry Pi OS that this one is for (cp311: 12, bookworm; cp313: 13, trixie)"
        ),
        (
            "{missing} 的 wheel 用于 {pythons}，而 {executable} 是 CPython {found}：请换用含 {tag} 的安装包，"
            "或刷与安装包相配的 Raspberry Pi OS（cp311：12，bookworm；cp313：13，trixie）"
        ),
    ),
    # who is asked for what
    "needs_root": ("{verb} needs root: run it with sudo", "{verb} 需要 root 权限：请用 sudo 运行"),
    "no_parcel": (
        "there is nothing to install from: run ./install in the unpacked bundle, or in a checkout",
        "没有可供安装的内容：请在解开的安装包或源码目录中运行 ./install",
    ),
    "not_removed": ("nothing was removed", "没有删除任何东西"),
    "not_installed": ("nothing is installed", "尚未安装"),
    "not_installed.do": ("nothing is installed: run ./install in the unpacked bundle", "尚未安装：请在解开的安装包中运行 ./install"),
    "under_way": (
        "an installation is under way (process {pid}): wait until it is done",
        "另一个安装程序正在运行（进程 {pid}）：请等它结束",
    ),
    "unknown": ("unknown", "未知"),
    "alarm": (
        "{why}; nothing was restarted. Again when it is over, or with --now to do it all the same",
        "{why}；没有重启任何东西。请在报警结束后再运行，或加 --now 照做",
    ),
    "alarm.live": ("an alarm is live", "报警尚未结束"),
    # as `outpost idle` says it, in English
    "idle.alarm": (
        "an alarm is live; a restart would interrupt its lights and its link for some seconds",
        "报警尚未结束；重启会使灯光和链路中断几秒",
    ),
    "idle.starting": ("the agent is starting; which alarms are live is not known yet", "程序正在启动，还不知道有无报警"),
    # what ends it from outside
    "file": ("{path}: {reason}; run it again when that is mended", "{path}：{reason}；排除后请再运行一次"),
    "file.unnamed": ("a file", "某个文件"),
    "stopped": ("ended by signal {number}; run it again, it goes on from there", "被信号 {number} 终止；再运行一次，即从那里继续"),
    # a version, and the way back
    "config.refused": (
        "{new} does not take this unit's config, {old} does; {old} stays in use. What {new} says:\n{mistakes}",
        "{new} 不接受本单元的配置，而 {old} 接受；仍使用 {old}。{new} 的说明：\n{mistakes}",
    ),
    "config.mistaken": (
        (
            "the agent that runs was left alone, {old} stays in use: {new} does not take this unit's config, and no more does {old} "
            "at its next start. Correct it (sudo outpost check), then again. What {new} says:\n{mistakes}"
        ),
        (
            "没有动正在运行的程序，仍使用 {old}：{new} 不接受本单元的配置，{old} 下次启动时也不接受。"
            "请先改正（sudo outpost check），再运行。{new} 的说明：\n{mistakes}"
        ),
    ),
    "config.ended": ("outpost check ended with {code}", "outpost check 以 {code} 结束"),
    "no_version_before": ("there is no version before {old}", "{old} 之前没有别的版本"),
    "damaged": (
        "{new} is damaged, or its Python is gone; {old} stays in use: run ./install of {new}'s bundle",
        "{new} 已损坏，或它的 Python 已不在；仍使用 {old}：请运行 {new} 安装包中的 ./install",
    ),
    "trial.no_verdict": (
        "no verdict: systemctl status {unit} ; the next start of the machine judges again",
        "没有结论：systemctl status {unit} ；下次开机重新判定",
    ),
    "trial.on": (
        "a version is on trial: wait a minute or two (outpost-install status)",
        "有版本正在试运行：请等一两分钟（outpost-install status）",
    ),
    "trial.unreadable": (
        "{path} cannot be read ({reason}); the version in use stays: sudo rm {path}",
        "无法读取 {path}（{reason}）；在用的版本不变：sudo rm {path}",
    ),
    "manifest.newer": (
        "{path} was written by a newer installer (format {found}, this one knows {known}): use that one",
        "{path} 由更新的安装程序写成（格式 {found}，本程序只懂 {known}）：请用那一个",
    ),
    "manifest.unreadable": (
        "{path} cannot be read ({reason}): move it away, and run ./install again; it finds its files by their names",
        "无法读取 {path}（{reason}）：请把它移走，再运行 ./install；安装程序按名称找回自己的文件",
    ),
    "boot.marks": (
        'config.txt has not one line "{begin}" and then one line "{end}": remove these lines, and what was ours between them',
        "config.txt 中应有一行 “{begin}” 和其后的一行 “{end}”：请删除这些行，以及两行之间我们的内容",
    ),
    # the store's own disk
    "move.no_systemd": (
        "systemd does not run here: a store is moved on the unit itself",
        "这里没有运行 systemd：存储只能在单元上搬移",
    ),
    "move.no_disk": (
        "no file system is labelled {label}: sudo mkfs.ext4 -L {label} /dev/sdX1 (it empties that partition)",
        "没有标签为 {label} 的文件系统：sudo mkfs.ext4 -L {label} /dev/sdX1（会清空该分区）",
    ),
    "move.no_store": (
        "there is no store in {path} to be moved: sudo outpost-install apply uses the disk from now on",
        "{path} 中没有可搬移的存储：sudo outpost-install apply 即用上该磁盘",
    ),
    "move.not_mounted": (
        "{label} could not be mounted in its place; the store stays on the root: journalctl -u {unit}",
        "{label} 未能挂载到位；存储仍在根分区：journalctl -u {unit}",
    ),
    "move.failed": ("{what}: {reason}; the store in use is the one that was", "{what}：{reason}；仍使用原来的存储"),
    "move.disk": ("the disk", "磁盘"),
    "move.small": (
        "{free} MB are free on {label}, the store has {size} MB: take a larger one",
        "{label} 可用空间 {free} MB，存储有 {size} MB：请换更大的",
    ),
    "move.unequal": (
        "the copy is not equal ({names}): the store stays on the root; is the disk sound?",
        "副本与原件不同（{names}）：存储仍在根分区；磁盘是否完好？",
    ),
    "move.occupied": (
        (
            "something lies on {label} already ({names}); it was left alone. Is it "
            "another store, keep it elsewhere; then empty the disk (sudo mkfs.ext4 -L {label} …) and run this again"
        ),
        (
            "{label} 上已有内容（{names}），没有改动。若是另一份存储，请先存到别处；"
            "再清空磁盘（sudo mkfs.ext4 -L {label} …），然后重新运行"
        ),
    ),
    # a command that had to succeed, and what it was for
    "command.failed": ("{what}: `{command}` ended with {code}:\n{last}", "{what}：`{command}` 以 {code} 结束：\n{last}"),
    "command.late": ("{what}: `{command}` was not done after {span:g} s", "{what}：`{command}` 过了 {span:g} 秒仍未完成"),
    "for.enable": ("having {unit} start with the machine", "让 {unit} 随机启动"),
    "for.stop": ("stopping the agent", "停止程序"),
    "for.copy": ("writing the copy", "写入副本"),
    "for.mount": ("mounting it", "挂载"),
    "for.unmount": ("unmounting it", "卸下挂载"),
    "for.user": ("the user outpost", "用户 outpost"),
    "for.venv": ("the virtual environment", "虚拟环境"),
    "for.pip_wheels": (
        "pip could not install from {path}/wheels (is the bundle whole? sha256sum -c SHA256SUMS)",
        "pip 无法从 {path}/wheels 安装（安装包是否完整？sha256sum -c SHA256SUMS）",
    ),
    "for.pip_network": (
        "pip could not install (is there a network? without one, take a bundle with wheels)",
        "pip 无法安装（有网络吗？没有网络请用带 wheel 的安装包）",
    ),
    "for.start": ("the new version does not start", "新版本无法启动"),
    "for.sync": ("writing it to the card", "写入存储卡"),
    "for.folder": ("the store's folder", "存储的目录"),
    "for.disk": ("the store's disk", "存储的磁盘"),
    "for.own": ("the store's own file system", "存储自己的文件系统"),
}
