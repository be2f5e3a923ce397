"""`./install` and `outpost-install`: the words of a command line go in, the verb runs, its exit code comes out."""

import argparse
import os
import sys

from agent.installer import checks, install, move, parcel, removal, status, trial
from agent.installer.alone import alone
from agent.installer.hand import Hand
from agent.installer.options import parser
from agent.installer.places import Places
from agent.installer.signals import Stopped
from agent.installer.site import Failed, Site
from agent.installer.steps import Steps
from agent.installer.voice import Voice
from agent.installer.words import Language, Said, language


def main(argv: list[str] | None = None) -> int:
    """The console script."""
    words = sys.argv[1:] if argv is None else argv
    found = parcel.here()
    made = parser("./install" if found else "outpost-install")
    args = made.parse_args(words)
    verb = args.verb or ("install" if found else "status")
    voice = Voice(_shown(args.lang or language(Places().config)))
    site = Site(live=not args.image, say=voice.say, at_once=args.now, language=voice.language)
    site.hand = Hand(lambda what: site.tell("would", what=what) if args.dry_run else None, dry=args.dry_run)
    if verb != "trial":  # whom systemd stops, and who goes on from there as after a power cut
        site.signals.listen()
    try:
        return run(verb, args, site, found)
    except Failed as e:
        said, code = e.said, 1
    except OSError as e:
        said, code = Said("file", path=e.filename or Said("file.unnamed"), reason=e.strerror or type(e).__name__), 1
    except Stopped as e:
        said, code = Said("stopped", number=e.number), 128 + e.number
    voice.complain(f"\n{made.prog}: {site.text(said)}")
    return code


def _shown(language: Language) -> Language:
    """A terminal that has no Chinese letters gets English."""
    try:
        Said("end.well").text(language).encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return "en"
    return language


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
        raise Failed("needs_root", verb=verb)
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
            raise Failed("no_parcel")
        return install.install(site, found, args.ready_within, args.stay)
    if not args.dry_run:
        checks.refuse([*checks.writable(site), *(checks.boot_writable(site) if verb == "uninstall" else ())])
    if verb in ("apply", "move-store"):
        install.end_trial(site)
    if verb == "apply":
        return install.bring_into_force(site, Steps(site), args.ready_within, args.stay)
    if verb == "rollback":
        return install.roll_back(site, args.ready_within, args.stay)
    if verb == "move-store":
        return move.move(site, args.ready_within)
    if args.purge and not args.yes and not args.dry_run and not _sure(site):
        raise Failed("not_removed")
    return removal.uninstall(site, purge=args.purge)


def _sure(site: Site) -> bool:
    """Ask whoever is there; nobody there is a no."""
    if not sys.stdin.isatty():
        print(site.text(Said("purge.yes")), file=sys.stderr)
        return False
    try:
        return input(site.text(Said("purge.sure", state=site.places.state, etc=site.places.etc))).strip() == "purge"
    except (EOFError, OSError):  # the terminal is gone
        return False


if __name__ == "__main__":
    sys.exit(main())
