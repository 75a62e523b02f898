"""`python -m handbell`: the same as the `handbell` command."""

from handbell.entrypoints.cli import main

if __name__ == "__main__":
    main()
