"""Each form of line is recognized among the others and read into its fields."""

from __future__ import annotations

import time

import pytest

from genapps.errors import UsageError
from genapps_logs.formats import HEADERS, NAMES, Record, format_named, recognize_format

# name: (line, what it says)
LINES: dict[str, tuple[str, Record]] = {
    "bgl": (
        "- 1117838570 2005.06.03 R02-M1 2005-06-03-15.42.50.675872 R02-M1 RAS KERNEL INFO cache error corrected",
        Record("cache error corrected", "2005-06-03-15.42.50.675872", "INFO", "KERNEL", "RAS", "R02-M1"),
    ),
    "thunderbird": (
        "- 1131566461 2005.11.09 dn228 Nov 9 12:01:01 dn228/dn228 crond(pam_unix)[2915]: session closed",
        Record("session closed", "Nov 9 12:01:01", None, "crond(pam_unix)", "2915", "dn228"),
    ),
    "syslog-5424": (
        '<34>1 2026-03-02T22:14:15.003Z web1 shop 8710 ID47 [a@1 k="v]"] order paid',
        Record("order paid", "2026-03-02T22:14:15.003Z", None, "shop", "8710", "web1"),
    ),
    "syslog": (
        "Mar  2 06:55:46 web1 sshd[24200]: Invalid user anna from 10.0.0.1",
        Record("Invalid user anna from 10.0.0.1", "Mar  2 06:55:46", None, "sshd", "24200", "web1"),
    ),
    "syslog-iso": (
        "2026-03-02T06:55:46.123456+01:00 web1 sshd[24200]: Connection closed",
        Record("Connection closed", "2026-03-02T06:55:46.123456+01:00", None, "sshd", "24200", "web1"),
    ),
    "apache-error": (
        "[Sun Dec 04 04:47:44.123 2005] [core:error] [pid 17:tid 9] child in error state 6",
        Record("child in error state 6", "Sun Dec 04 04:47:44.123 2005", "error", "core", "17", None),
    ),
    "nginx-error": (
        "2026/03/02 06:55:46 [error] 17#17: *3 open() failed",
        Record("*3 open() failed", "2026/03/02 06:55:46", "error", None, "17", None),
    ),
    "access": (
        '10.0.0.1 - anna [02/Mar/2026:06:55:46 +0100] "GET /a HTTP/1.1" 200 17',
        Record('"GET /a HTTP/1.1" 200 17', "02/Mar/2026:06:55:46 +0100", None, None, None, "10.0.0.1"),
    ),
    "openstack": (
        "api.log 2026-03-02 00:00:00.008 25746 INFO nova.wsgi [req-38 113 - -] GET done",
        Record("GET done", "2026-03-02 00:00:00.008", "INFO", "nova.wsgi", "req-38 113 - -", None),
    ),
    "zookeeper": (
        "2026-03-02 17:41:44,747 - INFO  [Peer[myid=1]/0:2181:FastLeaderElection@774] - time out: 3200",
        Record("time out: 3200", "2026-03-02 17:41:44,747", "INFO", "FastLeaderElection", "Peer[myid=1]/0:2181:", None),
    ),
    "hadoop": (
        "2026-03-02 18:01:47,978 INFO [main] org.apache.App: Executing with tokens:",
        Record("Executing with tokens:", "2026-03-02 18:01:47,978", "INFO", "org.apache.App", "main", None),
    ),
    "hdfs": (
        "081109 203615 148 INFO dfs.DataNode$Responder: block blk_3 terminating",
        Record("block blk_3 terminating", "081109 203615", "INFO", "dfs.DataNode$Responder", "148", None),
    ),
    "spark": (
        "17/06/09 20:10:40 WARN executor.Backend: Registered",
        Record("Registered", "17/06/09 20:10:40", "WARN", "executor.Backend", None, None),
    ),
    "logcat": (
        "03-17 16:13:38.811  1702  2395 D WindowManager: opening app",
        Record("opening app", "03-17 16:13:38.811", "D", "WindowManager", "1702", None),
    ),
    "klog": (
        "E0302 06:55:46.123456   17 server.go:99] cannot listen",
        Record("cannot listen", "0302 06:55:46.123456", "E", "server.go", "17", None),
    ),
    "cbs": (
        "2016-09-28 04:30:30, Info                  CBS    Loaded stack",
        Record("Loaded stack", "2016-09-28 04:30:30", "Info", "CBS", None, None),
    ),
    "proxifier": (
        "[10.30 16:49:06] chrome.exe *64 - x:80 close",
        Record("x:80 close", "10.30 16:49:06", None, "chrome.exe *64", None, None),
    ),
    "pipes": (
        "20171223-22:15:29:606|Step_LSC|30002312|onStandStepChanged 3579",
        Record("onStandStepChanged 3579", "20171223-22:15:29:606", None, "Step_LSC", "30002312", None),
    ),
    "hpc": (
        "134681 node-246 unix.hw state_change 1077804742 1 Component changed",
        Record("Component changed", "1077804742", "state_change", "unix.hw", None, "node-246"),
    ),
    "iso": (
        "2026-03-02T06:55:46.5Z [worker-1] ERROR - cannot pay",
        Record("cannot pay", "2026-03-02T06:55:46.5Z", "ERROR", None, "worker-1", None),
    ),
    "level": ("WARNING: low on space", Record("low on space", None, "WARNING", None, None, None)),
    "json": (
        '{"ts": 17.5, "level": "info", "logger": "shop", "msg": "order 7 paid", "request_id": "r1"}',
        Record("order 7 paid", "17.5", "info", "shop", "r1", None),
    ),
    "plain": ("anything at all", Record("anything at all")),
}


@pytest.mark.parametrize("name", NAMES)
def test_every_form_is_recognized_and_read(name: str) -> None:
    line, record = LINES[name]
    form = recognize_format([line] * 3)
    assert form.name == name
    assert form.record(line) == record
    assert form.message(line) == record.message


def test_the_form_of_most_lines_is_taken_and_other_lines_are_whole() -> None:
    lines = [LINES["syslog"][0]] * 6 + [LINES["hdfs"][0]] * 2 + ["  at Shop.pay(Shop.java:7)"] * 3
    form = recognize_format(lines)
    assert form.name == "syslog"
    assert form.message(lines[-1]) is None
    assert form.record(lines[-1]) == Record(lines[-1])
    assert recognize_format(["one", "two", LINES["syslog"][0]]).name == "plain"
    assert recognize_format([]).name == "plain"


def test_syslog_without_a_program_and_with_a_name_of_two_words() -> None:
    form = format_named("syslog")
    assert form.message("Mar  2 06:55:46 mac --- last message repeated 2 times ---") == (
        "--- last message repeated 2 times ---"
    )
    said = form.record("Mar  2 06:55:46 mac Some Program[17] ([99]): done: yes")
    assert (said.component, said.session, said.message) == ("Some Program", "17", "done: yes")


def test_an_unknown_form_is_refused_with_the_one_meant() -> None:
    with pytest.raises(UsageError, match=r"'sislog'.*Did you mean.*syslog"):
        format_named("sislog")


def test_json_lines_without_a_message_are_read_as_what_they_hold() -> None:
    lines = ['{"time": "1", "user": "anna", "ok": true, "n": 3}'] * 3
    form = recognize_format(lines)
    assert form.message(lines[0]) == "user=anna ok=true n=3"


@pytest.mark.parametrize("line", ['{"msg": "cut in ha', '{"msg"', "{", "[1, 2]", "[" * 100_000, '{"a":' * 100_000])
def test_a_json_line_that_is_cut_or_deep_is_no_json_line(line: str) -> None:
    form = format_named("json", [LINES["json"][0]])
    assert form.message(line) is None
    assert form.record(line) == Record(line)


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("filling", ["a", " ", "1", "[", "]", ":", "a ", '"', "\\", "a.", "(a", "@1"])
def test_no_line_takes_long(name: str, filling: str) -> None:
    line, form = LINES[name][0], format_named(name)
    started = time.process_time()
    for place in (len(line) // 4, len(line) // 2, 3 * len(line) // 4, len(line)):
        form.message(line[:place] + filling * (20_000 // len(filling)))
    assert time.process_time() - started < 0.5  # seconds; quadratic time would be a multiple
