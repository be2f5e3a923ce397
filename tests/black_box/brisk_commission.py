"""`outpost` whose commissioning measures for some seconds where the real one does for a minute: everything else of it is as it is."""

import sys

from agent.cli import commission_gnss, commission_link, commission_machine, parser

commission_gnss.SCATTER_S = 14.0  # ten positions are asked for at the least
commission_gnss.LIGHTS_S = 3.0
commission_link.OUTAGE_S = 6.0
commission_machine.CRANK_S = 3.0

if __name__ == "__main__":
    sys.exit(parser.main(sys.argv[1:]))
