"""`python -m services.console` runs the service."""

from services.console.main import main

main()
