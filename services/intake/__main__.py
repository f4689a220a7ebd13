"""`python -m services.intake`."""

from services.intake.main import main

if __name__ == "__main__":
    main()
