"""Ray: a cluster of this machine alone, or one that is there; our programs on it as deployments of Ray Serve.

The only file that imports Ray. Serve's own HTTP is off: a deployment is the process of one of our programs
(`process.py`), whose load the routers tell (`directory.py`).
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ray
from ray import serve
from ray.serve._private import replica as serve_replica
from ray.serve.config import AutoscalingConfig, AutoscalingPolicy

from huiyin.assistant.clients.ray_cluster import OPTIONS, without_api_server
from huiyin.assistant.scale.directory import BEAT_S, Beat, Directory, Member, Program, View
from huiyin.assistant.scale.plan import Needs, replicas_for
from huiyin.assistant.scale.process import Process, ReplicaFailed, Start
from huiyin.configs.errors import HuiyinError
from huiyin.services.common.supervisor import STOP_LIMIT_S

NAMESPACE = "huiyin"
_DIRECTORY = "directory"
_ANSWER_S = 10.0
_STOP_S = 20.0  # for Serve to end its replicas; then Ray ends them
_CONNECT_S = 3.0
_STORE_BYTES = 80 * 2**20  # Ray's least; nothing of ours lies there
_HEALTH_EVERY_S = 2.0
_HEALTH_LIMIT_S = 30.0
_STARTS = 3
"""So often is a replica that fails at its start tried."""
_LOOK_BACK_S = 12.0  # over which the load is averaged
_IN_HAND = "in_hand"
_SPARE_S = 10.0


class ClusterError(HuiyinError):
    """Ray cannot be started or reached, or what runs on it has failed."""


def _listen_here_alone() -> None:
    """Keeps Serve's own server of this process on the loopback device, before it starts.

    It takes calls of other deployments, of which we make none, at every address of the machine, and unpickles whatever
    comes without asking for a key (``Replica._on_initialized`` in Ray 2.60).
    """
    listen = serve_replica.add_port_to_grpc_server
    serve_replica.add_port_to_grpc_server = lambda server, _: listen(server, "127.0.0.1:0")


class Replica:
    """One replica: the actor that Serve makes, with the process of our program as its child."""

    def __init__(self, start: Start) -> None:
        """Waits until the process takes requests. Raises ReplicaFailed."""
        _listen_here_alone()
        self._start = start
        self._name = f"{start.program}-{serve.get_replica_context().replica_id.unique_id}"
        self._directory = ray.get_actor(_DIRECTORY, NAMESPACE)
        self._process: Process | None = None
        self._draining = threading.Event()
        self._beat = Beat(0, False, False)
        self._process = process = Process(start, ray.util.get_node_ip_address())
        try:
            process.wait_ready()
        except ReplicaFailed:
            self._leave(process)
            raise
        self._tell(process)
        threading.Thread(target=self._keep_telling, args=(process,), name="beat", daemon=True).start()

    def check_health(self) -> None:
        """Serve asks. Raises RuntimeError where the process does not answer: another replica takes its place."""
        if self._process is None or not self._process.answers():
            raise RuntimeError(f"{self._name} does not answer")

    def record_autoscaling_stats(self) -> dict[str, float]:
        """Serve asks: what the routers have in hand for it."""
        return {_IN_HAND: float(self._beat.in_hand)}

    def __del__(self) -> None:
        """Serve ends it: nothing new comes, what it has may end, then the process does."""
        process = getattr(self, "_process", None)
        if process is None:
            return
        self._draining.set()
        with contextlib.suppress(ray.exceptions.RayError):
            end = threading.Event()
            waited_s = 0.0
            while waited_s < self._start.drain_s:
                beat = self._tell(process)
                if beat.stopping or (beat.settled and not beat.in_hand) or process.ended():
                    break
                end.wait(BEAT_S / 4)
                waited_s += BEAT_S / 4
        process.stop()
        self._leave(process)
        self._process = None

    def _keep_telling(self, process: Process) -> None:
        while not process.when_ended(BEAT_S):
            if self._draining.is_set():
                return
            with contextlib.suppress(ray.exceptions.RayError):  # the directory starts again
                self._beat = self._tell(process)
        if not self._draining.is_set():
            self._leave(process)
            os._exit(1)  # Serve sees that at once, and starts another

    def _tell(self, process: Process) -> Beat:
        member = Member(self._start.program, self._name, process.url, self._draining.is_set())
        beat: Beat = ray.get(self._directory.beat.remote(member, process.take_lines()), timeout=_ANSWER_S)
        return beat

    def _leave(self, process: Process) -> None:
        with contextlib.suppress(ray.exceptions.RayError):
            ray.get(self._directory.leave.remote(self._name, process.take_lines()), timeout=_ANSWER_S)


def replicas_for_load(context: Any) -> tuple[int, dict[str, Any]]:
    """Serve's controller asks how many replicas there should be; within its limits and after its delays."""
    in_hand = sum((context.aggregated_metrics or {}).get(_IN_HAND, {}).values())
    return replicas_for(in_hand, context.config.target_ongoing_requests), {}


@dataclass(frozen=True)
class Cluster:
    """A connection to Ray."""

    is_local: bool
    """Started here, for this machine alone; it ends with this connection."""
    directory: Any

    @property
    def host(self) -> str:
        """This machine, as the other nodes call it."""
        return str(ray.util.get_node_ip_address())

    @property
    def cpus(self) -> float:
        """Processors of all nodes."""
        return float(ray.cluster_resources().get("CPU", 0.0))

    @property
    def gpus(self) -> float:
        """GPUs of all nodes."""
        return float(ray.cluster_resources().get("GPU", 0.0))

    def deploy(self, plan: Sequence[Needs], starts: Mapping[Program, Start]) -> None:
        """Have them run; does not wait for them."""
        applications = [
            serve.RunTarget(_deployment(needs, starts[needs.program]).bind(starts[needs.program]),
                            name=_application(needs.program), route_prefix=None)
            for needs in plan
        ]  # fmt: skip
        serve.run_many(applications, wait_for_ingress_deployment_creation=False, wait_for_applications_running=False)

    def check(self, programs: Sequence[str]) -> None:
        """Raises ClusterError where one of them cannot be started."""
        applications = serve.status().applications
        for program in programs:
            found = applications.get(_application(program))
            if found is not None and found.status == "DEPLOY_FAILED":
                words = [each.message for each in found.deployments.values() if each.message] or [found.message]
                why = words[0].strip().rpartition(f"{ReplicaFailed.__name__}: ")[2]  # not where in the program
                raise ClusterError("ray.not_deployed", program=program, why=why)

    async def look(self, router: str, seen: int, in_hand: Mapping[str, int]) -> View:
        """What `Directory.look` gives."""
        view: View = await self.directory.look.remote(router, seen, in_hand)
        return view

    def routers(self) -> list[str]:
        """Those that are in use now."""
        found: list[str] = ray.get(self.directory.routers.remote(), timeout=_ANSWER_S)
        return found

    def stop(self, programs: Sequence[str]) -> None:
        """End the programs, and Serve where nothing else runs on it."""
        with contextlib.suppress(ray.exceptions.RayError):
            ray.get(self.directory.stop.remote(), timeout=_ANSWER_S)
        ending = threading.Thread(target=_end, args=(programs, self.is_local), name="end", daemon=True)
        ending.start()
        ending.join(_STOP_S)
        with contextlib.suppress(ray.exceptions.RayError):
            ray.kill(self.directory)


def _end(programs: Sequence[str], is_local: bool) -> None:
    with contextlib.suppress(Exception):  # what does not end this way, ends with Ray
        for program in programs:
            serve.delete(_application(program), _blocking=False)
        names = {_application(program) for program in programs}
        waiting = threading.Event()
        while names & (running := serve.status().applications).keys():
            waiting.wait(BEAT_S / 4)
        if not running and not is_local:  # else Serve ends with Ray, in an instant
            serve.shutdown()


@contextlib.contextmanager
def connected(address: str) -> Iterator[Cluster]:
    """A cluster: '' starts one of this machine alone; else HOST:PORT of one of which this machine is a node, or "auto".

    Raises ClusterError.
    """
    options: dict[str, Any] = {"namespace": NAMESPACE, **OPTIONS}
    for name in ("ray", "ray.serve"):
        logging.getLogger(name).setLevel(logging.ERROR)
    if address:
        _check_reachable(address)
    else:
        options |= {"include_dashboard": False, "object_store_memory": _STORE_BYTES}
    try:
        with contextlib.nullcontext() if address else without_api_server():
            ray.init(address or "local", **options)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        why = str(error).partition("\n")[0]
        if address:
            raise ClusterError("ray.not_reached", address=address, why=why) from error
        raise ClusterError("ray.not_started", why=why) from error
    try:
        directory = ray.remote(Directory).options(
            name=_DIRECTORY, namespace=NAMESPACE, num_cpus=0, get_if_exists=True, lifetime="detached",
            max_restarts=-1, max_task_retries=-1,
        ).remote()  # fmt: skip
        serve.start(proxy_location="Disabled", logging_config={"log_level": "ERROR", "enable_access_log": False})
        yield Cluster(not address, directory)
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """A wrong address is found at once; Ray would try it for a minute. Raises ClusterError."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_S):
            return
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ClusterError("ray.not_reached", address=address, why=why) from error


def _application(program: str) -> str:
    return f"huiyin-{program}"


def _deployment(needs: Needs, start: Start) -> Any:
    ray_settings: dict[str, Any] = {"num_replicas": needs.least}
    if needs.most > needs.least:
        upscale_s, downscale_s = start.delays_s
        ray_settings = {
            "autoscaling_config": AutoscalingConfig(
                min_replicas=needs.least,
                max_replicas=needs.most,
                target_ongoing_requests=needs.ongoing,
                upscale_delay_s=upscale_s,
                downscale_delay_s=downscale_s,
                look_back_period_s=_LOOK_BACK_S,
                policy=AutoscalingPolicy(policy_function=replicas_for_load),
            )
        }
    deployment: Any = serve.deployment(Replica)
    return deployment.options(
        name=needs.program,
        ray_actor_options={"num_cpus": needs.cpus, "num_gpus": needs.gpus},
        health_check_period_s=_HEALTH_EVERY_S,
        health_check_timeout_s=_HEALTH_LIMIT_S,
        graceful_shutdown_timeout_s=start.drain_s + STOP_LIMIT_S + _SPARE_S,
        graceful_shutdown_wait_loop_s=BEAT_S,
        max_constructor_retry_count=_STARTS,
        **ray_settings,
    )
