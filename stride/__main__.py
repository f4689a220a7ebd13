"""`python -m stride`: the `stride` command where it is not installed, as in the services' image."""

from stride.cli import main

if __name__ == "__main__":
    main()
