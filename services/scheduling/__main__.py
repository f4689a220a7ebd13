"""`python -m services.scheduling` starts the service."""

from services.scheduling.main import main

main()
