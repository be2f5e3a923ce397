"""The words of the installer as it goes on: steps, what came of them, the last sentence; by code, in English and Chinese."""

TOLD: dict[str, tuple[str, str]] = {
    "as_told": ("{text}", "{text}"),
    "and": (", ", "、"),
    # each step
    "step": ("[{number}] {name}", "[{number}] {name}"),
    "step.end": ("    {words}", "    {words}"),
    "step.end_after": ("    {words} ({took:.0f} s)", "    {words}（{took:.0f} 秒）"),
    "step.changed": ("done", "完成"),
    "step.same": ("as it should be", "已经正确"),
    # install
    "step.checks": (
        "checks, before anything is changed: Outpost {version} from {home}",
        "检查，此前不改动任何东西：前哨 {version}，来自 {home}",
    ),
    "checks.passed": ("Python {python}, {machine}", "Python {python}，{machine}"),
    "trial.cut": ("an upgrade was cut off; it is ended first", "上次升级被打断，先了结它"),
    "step.user": ("user and groups: outpost, in gpio and dialout", "用户和组：outpost，属于 gpio 和 dialout"),
    "step.version": ("version: {path}", "版本：{path}"),
    "version.built": ("built", "已建成"),
    "step.etc": ("config: /etc/outpost", "配置：/etc/outpost"),
    "etc.new": (
        "a new agent.toml, to be finished; agent.toml.reference has every key",
        "新的 agent.toml，有待填写；全部配置项见 agent.toml.reference",
    ),
    "step.present": ("the present config under {new}", "现有配置能否用于 {new}"),
    "config.unfinished": ("it has to be finished", "有待填写"),
    "config.right": ("no mistakes", "没有错误"),
    "step.system": ("system files: units, tmpfiles, journal, watchdog, udev", "系统文件：单元文件、tmpfiles、日志、看门狗、udev"),
    "lay.theirs": ("      {name} was changed here: left as it is", "      {name} 在本机改过：保持不动"),
    "lay.replaced": (
        "      {name} was changed here: replaced, the changed one is {kept}; a drop-in is left alone (systemctl edit)",
        "      {name} 在本机改过：已替换，改过的另存为 {kept}；drop-in 不会动（systemctl edit）",
    ),
    "step.commands": ("commands: outpost, outpost-install", "命令：outpost、outpost-install"),
    # apply
    "step.store": ("store: /var/lib/outpost", "存储：/var/lib/outpost"),
    "store.own": ("on its own file system, {label}", "在自己的文件系统 {label} 上"),
    "store.own_now": ("on its own file system, {label}, from now on", "从现在起在自己的文件系统 {label} 上"),
    "store.unmounted": (
        "on the root file system: {label} is not mounted (journalctl -u {unit})",
        "在根分区上：{label} 没有挂载（journalctl -u {unit}）",
    ),
    "store.root": ("on the root file system (no file system is labelled {label})", "在根分区上（没有标签为 {label} 的文件系统）"),
    "store.no_unit": (
        "on the root file system; one labelled {label} is there, but {version} has no {unit}",
        "在根分区上；已有标签为 {label} 的文件系统，但 {version} 没有 {unit}",
    ),
    "store.hidden": (
        (
            "on the root file system; one labelled {label} is there, and would hide what is in /var/lib/outpost: "
            "sudo outpost-install move-store moves it"
        ),
        (
            "在根分区上；已有标签为 {label} 的文件系统，但它会遮住 /var/lib/outpost 中的内容："
            "用 sudo outpost-install move-store 搬移"
        ),
    ),
    "store.later": (
        "on the root file system; the one labelled {label} is taken when the config has no mistakes: until then the agent is left alone",
        "在根分区上；配置没有错误之后才使用标签为 {label} 的文件系统：在此之前不动正在运行的程序",
    ),
    "store.failed": (
        "on the root file system: {label} could not be mounted (is it ext4? journalctl -u {unit})",
        "在根分区上：{label} 挂载失败（是 ext4 吗？journalctl -u {unit}）",
    ),
    "step.check": ("config: outpost check -c {path}", "配置：outpost check -c {path}"),
    "check.unfinished": ("it has to be finished, see below", "有待填写，见下文"),
    "step.boot": ("boot config: UART, watchdog, pins of the outputs", "启动配置：串口、看门狗、输出引脚"),
    "boot.none": (
        "no config.txt in /boot/firmware or /boot: this is no Raspberry Pi",
        "/boot/firmware 和 /boot 中没有 config.txt：不是树莓派",
    ),
    "boot.unasked": ("this version does not say what it needs: left as it is", "本版本没有说明需要什么：保持不动"),
    "step.start": ("service: start, and wait for READY", "服务：启动，等待 READY"),
    "service.runs": ("{version} runs", "{version} 正在运行"),
    "service.ready": ("{version} is READY", "{version} 已 READY"),
    # the service
    "service.unasked": ("not asked", "未查询"),
    "service.state": ("{active} ({sub})", "{active}（{sub}）"),
    "service.result": ("{state}, last result: {result}", "{state}，上次结果：{result}"),
    "service.fell": (
        "it came to READY, but did not stay so for {stay:g} s ({deaths} times); now {state}",
        "曾 READY，但没有保持 {stay:g} 秒（{deaths} 次）；现在 {state}",
    ),
    "service.late": ("it did not come to READY within {within:g} s; now {state}", "{within:g} 秒内没有 READY；现在 {state}"),
    # trial
    "step.trial": (
        "trial: {new} has {ready:g} s to be READY, and has to stay so for {stay:g} s, no worse than {old}; else that comes back",
        "试运行：{new} 须在 {ready:g} 秒内 READY 并保持 {stay:g} 秒，且不比 {old} 差；否则恢复 {old}",
    ),
    "step.old_ready": ("service: wait for READY of {old}", "服务：等待 {old} READY"),
    "trial.going_back": ("{new}: {why}; going back to {old}", "{new}：{why}；正在恢复 {old}"),
    "trial.passed": ("{new} is in use; {old} is kept", "已使用 {new}；保留 {old}"),
    "trial.failed": ("{new} failed: {why}; {old} is in use again", "{new} 未通过：{why}；已恢复 {old}"),
    "trial.power": ("it was cut off before the switch", "切换之前被打断"),
    "trial.starts": ("{starts} starts without a verdict", "启动 {starts} 次仍无结论"),
    "probe.faults": ("it is READY, but has {codes}, which {old} had not", "已 READY，但有 {old} 没有的故障 {codes}"),
    "probe.mute": ("it is READY, but does not answer `outpost status`; {old} did", "已 READY，但对 `outpost status` 没有应答；{old} 有"),
    "probe.offline": ("it is READY, but has no link after {within:g} s; {old} had one", "已 READY，但 {within:g} 秒后仍没有链路；{old} 有"),
    # how it ended
    "end.unfinished": (
        "\n{mistakes}\n\nInstalled. Next: edit {path}, then: sudo outpost-install apply",
        "\n{mistakes}\n\n已安装。下一步：编辑 {path}，然后执行 sudo outpost-install apply",
    ),
    "end.unwell": (
        "\nInstalled, but {unit} is not well: {why}\nNext: outpost why ; journalctl -u outpost -n 50",
        "\n已安装，但 {unit} 不正常：{why}\n下一步：outpost why ；journalctl -u outpost -n 50",
    ),
    "end.same": ("\nNothing had to be changed.", "\n没有需要改动的。"),
    "end.restart": (
        "\nInstalled. The boot config has changed: it counts after a restart. Next: sudo reboot",
        "\n已安装。启动配置有改动，重启后生效。下一步：sudo reboot",
    ),
    "end.well": ("\nInstalled. Next: outpost status", "\n已安装。下一步：outpost status"),
    "end.not_upgraded": (
        "\nNot upgraded; {old} is in use. Why {new} failed: journalctl -u outpost -u outpost-trial",
        "\n没有升级，仍使用 {old}。{new} 未通过的原因：journalctl -u outpost -u outpost-trial",
    ),
    # move-store
    "step.stop": ("service: stop, outputs safe", "服务：停止，输出回到安全电平"),
    "step.use": ("use the file system {label} from now on", "从现在起使用文件系统 {label}"),
    "step.ready": ("service: wait for READY", "服务：等待 READY"),
    "ready.again": ("it is READY", "已 READY"),
    "ready.unasked": ("it did not run before", "此前没有运行"),
    "step.copy": ("copy to {label}", "复制到 {label}"),
    "copy.size": ("{size:.1f} MB", "{size:.1f} MB"),
    "step.compare": ("compare, byte for byte", "逐字节比较"),
    "compare.equal": ("{count} files and folders are equal", "{count} 个文件和文件夹相同"),
    "step.remove_old": ("remove the old store, below the new one", "删除新存储下面的旧存储"),
    "remove.count": ("{count} files and folders", "{count} 个文件和文件夹"),
    "remove.changed": (
        "it has been written to since it was copied: left as it is, below the mount",
        "复制之后又写入过：保留在挂载点下面，不动",
    ),
    "end.is_moved": ("\nThe store is on its own file system, {label}.", "\n存储已在自己的文件系统 {label} 上。"),
    "end.moved": ("\nMoved: the store is on its own file system, {label}.", "\n已搬移：存储在自己的文件系统 {label} 上。"),
    # uninstall
    "step.boot_back": ("boot config: as it was", "启动配置：恢复原样"),
    "step.purge": ("store, reports, config, keys and user", "存储、报告、配置、密钥和用户"),
    "step.system_gone": ("system files", "系统文件"),
    "step.versions_gone": ("commands and versions: /opt/outpost", "命令和各版本：/opt/outpost"),
    "end.purged": ("\nRemoved.", "\n已卸载。"),
    "end.purged_but": (
        "\nRemoved, but for the store on the disk {label}, which is not in this machine: mkfs.ext4 empties it.",
        "\n已卸载，但磁盘 {label} 上的存储还在，它不在本机中：用 mkfs.ext4 清空。",
    ),
    "end.removed": (
        "\nRemoved. What stays: {kept} and the user outpost; ./install takes them up again.",
        "\n已卸载。保留：{kept} 和用户 outpost；再运行 ./install 即接着用。",
    ),
    "end.restart_too": ("The boot config has changed: it counts after a restart.", "启动配置有改动，重启后生效。"),
    "purge.yes": (
        "--purge removes the store, the config and the keys for good: say --yes as well",
        "--purge 会永久删除存储、配置和密钥：请同时加 --yes",
    ),
    "purge.sure": (
        "Remove {state}, {etc} and the keys in it for good? Type purge: ",
        "永久删除 {state}、{etc} 和其中的密钥？请输入 purge：",
    ),
    # status
    "status.version": ("version   {version}", "版本      {version}"),
    "status.damaged": (
        "version   {version} (damaged, or its Python is gone: run ./install again)",
        "版本      {version}（已损坏，或它的 Python 已不在：请再运行 ./install）",
    ),
    "status.previous": ("previous  {version}", "前一版本  {version}"),
    "status.no_previous": ("previous  none: a rollback is not possible", "前一版本  无：不能回退"),
    "status.trial": ("trial     {new} is on trial; {old} comes back when it fails", "试运行    {new} 正在试运行；不通过则恢复 {old}"),
    "status.last": ("trial     the last one: {verdict}", "试运行    上一次：{verdict}"),
    "status.enabled": ("service   {state}, starts with the machine", "服务      {state}，随机启动"),
    "status.disabled": ("service   {state}, does not start with the machine", "服务      {state}，不随机启动"),
    "status.other": (
        "          runs {version}: sudo systemctl restart outpost",
        "          运行的是 {version}：sudo systemctl restart outpost",
    ),
    "status.mistakes": ("config    {path} has mistakes: outpost check", "配置      {path} 有错误：outpost check"),
    "status.unlooked": (
        "config    {path}, not looked at: that needs root (sudo outpost-install status)",
        "配置      {path}，没有检查：需要 root 权限（sudo outpost-install status）",
    ),
    "status.config": ("config    {path}", "配置      {path}"),
    "status.changed": (
        "config    {path}, changed since: sudo outpost-install apply",
        "配置      {path}，之后有改动：sudo outpost-install apply",
    ),
    "status.boot": ("boot      {path} has our lines", "启动配置  {path} 中有我们的行"),
    "status.no_boot": ("boot      {path} has no lines of ours", "启动配置  {path} 中没有我们的行"),
    "status.own": ("store     {path} on its own file system", "存储      {path} 在自己的文件系统上"),
    "status.root": ("store     {path} on the root file system", "存储      {path} 在根分区上"),
    # in the journal
    "voice.gone": ("the terminal is gone; it goes on, and is told here", "终端已断开；继续进行，记录在此"),
    # each change, where only they are listed
    "would": ("    would {what}", "    将{what}"),
    "would.run": ("run {command}", "执行 {command}"),
    "would.write": ("write {path}", "写入 {path}"),
    "would.mode": ("set mode {mode:o} of {path}", "把 {path} 的权限设为 {mode:o}"),
    "would.link": ("link {path} to {target}", "把 {path} 链接到 {target}"),
    "would.make": ("make {path}", "建立 {path}"),
    "would.remove": ("remove {path}", "删除 {path}"),
    "would.clear": ("remove {path} and all in it", "删除 {path} 及其中的一切"),
    "would.own": ("set owner and mode of {label}", "设定 {label} 的属主和权限"),
    "would.copy": ("copy {path}", "复制 {path}"),
    "would.aside": ("set aside {path}", "移到一边 {path}"),
}
