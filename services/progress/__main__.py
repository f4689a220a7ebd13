"""`python -m services.progress` runs the service."""

from services.progress.main import main

main()
