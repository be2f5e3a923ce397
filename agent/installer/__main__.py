"""`./install` and `outpost-install`: the words of a command line go in, the verb runs, its exit code comes out."""

import argparse
import os
import sys

from agent import __version__
from agent.installer import apply, install, move, parcel, removal, status, trial
from agent.installer.alone import alone
from agent.installer.hand import Hand
from agent.installer.places import Places
from agent.installer.site import Failed, Site
from agent.installer.steps import Steps

USAGE_ERROR = 2
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


def main(argv: list[str] | None = None) -> int:
    """The console script."""
    words = sys.argv[1:] if argv is None else argv
    found = parcel.here()
    made = parser("./install" if found else "outpost-install")
    args = made.parse_args(words)
    verb = args.verb or ("install" if found else "status")
    hand = Hand(_would if args.dry_run else lambda _: None, dry=args.dry_run)
    site = Site(live=not args.image, hand=hand, say=_say, at_once=args.now)
    try:
        return run(verb, args, site, found)
    except Failed as e:
        print(f"\n{made.prog}: {e}", file=sys.stderr)
        return 1


def run(verb: str, args: argparse.Namespace, site: Site, found: parcel.Parcel | None) -> int:
    """Run one verb; the exit code.

    Raises:
        Failed: it cannot be done.
    """
    if verb == "status":
        for line in status.lines(site):
            site.say(line)
        return 0
    if site.facts.uid != 0 and verb != "install" and not args.dry_run:
        raise Failed(f"{verb} needs root: run it with sudo")
    os.environ["PATH"] = f"{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/sbin:/sbin"  # a plain `su` leaves them out
    os.umask(0o022)  # somebody's stricter one would hide the program from the agent's user
    if verb == "trial":
        trial.judge(site)  # a verdict is no failure of whoever gave it
        return 0
    with alone(site):
        return change(verb, args, site, found)


def change(verb: str, args: argparse.Namespace, site: Site, found: parcel.Parcel | None) -> int:
    """Run a verb that changes something; the exit code.

    Raises:
        Failed: it cannot be done.
    """
    if verb == "install":
        if found is None:
            raise Failed("there is nothing to install from: run ./install in the unpacked bundle, or in a checkout")
        return install.install(site, found, args.ready_within, args.stay)
    if verb == "apply":
        return install.tell(site, apply.apply(site, Steps(site), args.ready_within))
    if verb == "rollback":
        return install.roll_back(site, args.ready_within, args.stay)
    if verb == "move-store":
        return move.move(site, args.ready_within)
    if args.purge and not args.yes and not args.dry_run and not _sure(site.places):
        raise Failed("nothing was removed")
    return removal.uninstall(site, purge=args.purge)


def _sure(places: Places) -> bool:
    """Ask whoever is there; nobody there is a no."""
    if not sys.stdin.isatty():
        print("--purge removes the store, the config and the keys for good: say --yes as well", file=sys.stderr)
        return False
    return input(f"Remove {places.state}, {places.etc} and the keys in it for good? Type purge: ").strip() == "purge"


def _say(words: str) -> None:
    print(words, flush=True)


def _would(what: str) -> None:
    print(f"    would {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
