"""The command line of `./install` and `outpost-install`: the words that it knows; its help, in English like that of every command."""

import argparse

from agent import __version__
from agent.installer import trial

VERBS = {
    "install": "install, or upgrade in place; twice is once (./install without a verb)",
    "apply": "bring /etc/outpost/agent.toml into force: check it, write the boot config of its board, start",
    "status": "versions, service, config, boot config and store, a line each",
    "rollback": "back to the previous version, which is tried like any other",
    "move-store": "move the store onto the file system labelled outpost-state, compared before the old one is removed",
    "uninstall": "remove it; store, config and keys stay unless --purge is given",
    "trial": "judge the version that is on trial (what systemd runs)",
}
INTERNAL = ("trial",)

EPILOG = """\
examples:
  sudo ./install                     install from this folder; with wheels/ beside it no network is needed
  ./install --dry-run                what would be done
  sudo ./install --lang zh           in Chinese
  sudo outpost-install apply         after agent.toml was edited
  sudo outpost-install rollback      back to the version before
  sudo outpost-install move-store    the store goes onto its own file system
  sudo outpost-install uninstall     store, config and keys stay

exit codes:
  0  done, also when the config has still to be finished
  1  not done; what was found, and what to do
  2  a mistake on the command line

docs/install.md tells it from a blank card on."""


def parser(prog: str) -> argparse.ArgumentParser:
    """The words that we know."""
    made = argparse.ArgumentParser(
        prog=prog,
        usage=f"{prog} [{'|'.join(verb for verb in VERBS if verb not in INTERNAL)}] [OPTIONS]",
        description="\n".join(f"{verb:10} {words}" for verb, words in VERBS.items() if verb not in INTERNAL),
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("verb", nargs="?", choices=list(VERBS), metavar="VERB", help="what to do")
    made.add_argument("--lang", choices=("zh", "en"), help="the language (default: unit.language of the config file, else LANG)")
    made.add_argument("--version", action="version", version=f"outpost-install {__version__}")
    made.add_argument("--dry-run", action="store_true", help="only list what would be done (install, uninstall)")
    made.add_argument("--image", action="store_true", help="systemd does not run here: lay everything, start nothing")
    within, stay = trial.READY_WITHIN_S, trial.STAY_S
    made.add_argument("--ready-within", type=seconds, default=within, metavar="S", help=f"a new version has {within:g} s to come to READY")
    made.add_argument("--stay", type=seconds, default=stay, metavar="S", help=f"and has to stay so for {stay:g} s")
    made.add_argument("--now", action="store_true", help="restart the agent also while an alarm is live")
    made.add_argument("--purge", action="store_true", help="uninstall: the store, the config and the keys too")
    made.add_argument("--yes", action="store_true", help="uninstall --purge: do not ask")
    return made


def seconds(text: str) -> float:
    """A time from 1 to 3600 s."""
    value = float(text)
    if not 1 <= value <= 3600:
        raise ValueError(text)
    return value
