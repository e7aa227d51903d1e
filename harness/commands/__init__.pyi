from .contract_run import run_contract

__all__ = ["run_contract"]
