"""Dagster's launcher of a server, which notices a run that died together with its code server."""

import dagster as dg
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import deserialize_value


class WatchfulRunLauncher(dg.DefaultRunLauncher):
    """Lets run monitoring ask the code server whether it still has the run.

    A code server notices the death of its runs, but nobody notices the death of both: Dagster's own
    launcher would let such a run hold the morning's place until max_runtime_seconds, two hours.
    A run whose code was reloaded from the UI meanwhile counts as gone, too, and is started again.
    """

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Run monitoring asks this before it asks for a run's health."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Return that the run is at work unless its code server answers that it has no such run.

        A command's run has no code server, and one that is away says nothing.
        """
        client = self._get_grpc_client_for_termination(run.run_id)
        if client is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        try:
            answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run.run_id))
        except DagsterUserCodeUnreachableError:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        if deserialize_value(answer, CanCancelExecutionResult).can_cancel:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(
            WorkerStatus.NOT_FOUND, "the code server, started anew, has no such run"
        )
