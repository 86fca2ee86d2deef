"""`python -m worker` is `proofmesh`."""

from worker.cli.main import main

if __name__ == "__main__":
    main()
