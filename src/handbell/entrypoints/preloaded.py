"""What the product's processes import, for the one process that they are forked from.

What stands in memory by then is left alone by Python's search for unreachable objects, which
would otherwise write to every page of it and so give each child its own copy.
"""

import gc

import handbell.entrypoints.api
import handbell.entrypoints.cli
import handbell.entrypoints.dispatcher
import handbell.entrypoints.worker
import handbell.sandbox.serve  # noqa: F401 - imported so that the children find it

gc.freeze()
