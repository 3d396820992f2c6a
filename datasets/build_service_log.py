"""Makes the demo log domains/genapps_logs/samples/service.log: two days of a small web shop that never was.

    .venv/bin/python datasets/build_service_log.py [FILE]

Syslog lines of four programs on two hosts, drawn from the message texts below. Near the end a disk fails: three
messages that never came before. The same bytes every time.
"""

from __future__ import annotations

import random
import sys
from datetime import datetime, timedelta
from pathlib import Path

LINES = 1500
SEED = 4
SAMPLE = Path(__file__).parent.parent / "domains" / "genapps_logs" / "samples" / "service.log"
USERS = ("anna", "ben", "chloe", "dmitri", "emeka", "farah", "goran", "hana", "ivo", "june")
TABLES = ("orders", "customers", "invoices", "baskets", "articles", "payments")

# (weight, program, text); {name} stands for a value drawn anew for each line.
MESSAGES = (
    (30, "shop", "GET /articles/{number} 200 in {small} ms for {ip}"),
    (12, "shop", "order {number} of customer {number} paid, {price} EUR"),
    (10, "shop", "session {uuid} opened for user {user} from {ip}:{port}"),
    (9, "shop", "session {uuid} closed for user {user} after {small} s"),
    (6, "shop", "cache: {small} hits, {small} misses, {size} KB in use"),
    (2, "shop", "slow query on table {table}: {number} ms"),
    (8, "sshd", "Accepted publickey for {user} from {ip} port {port} ssh2"),
    (4, "sshd", "Invalid user {user}{small} from {ip}"),
    (7, "sshd", "Connection closed by {ip} [preauth]"),
    (5, "cron", "(root) CMD (/usr/local/bin/backup --keep={small} /srv/{table})"),
    (3, "cron", "(www) CMD (/srv/shop/bin/clean --older={small}d)"),
    (4, "db", "checkpoint complete: wrote {number} buffers ({share} %), {small} files added"),
    (3, "db", "automatic vacuum of table {table}: {number} rows removed, {number} remain"),
    (1, "db", "connection of user {user} to database shop lost: timeout after {small} s"),
)
FAILING = (
    "blk_update_request: I/O error, dev sdb, sector {number}",
    "EXT4-fs error (device sdb1): unable to read inode {number}",
    "md/raid1: disk failure on sdb1, disabling device",
)


def main(target: Path) -> None:
    """Write the log."""
    target.write_text("\n".join(build()) + "\n", "utf-8", newline="")


def build() -> list[str]:
    """The lines, in the order of time."""
    draw = random.Random(SEED)
    now, lines = datetime(2026, 3, 2, 0, 0, 5), []
    weights = [weight for weight, _, _ in MESSAGES]
    for place in range(LINES):
        now += timedelta(seconds=draw.expovariate(1 / 115))
        _, program, text = draw.choices(MESSAGES, weights)[0]
        if LINES - 60 <= place < LINES - 60 + len(FAILING):
            program, text = "kernel", FAILING[place - LINES + 60]
        tag = f"{program}[{draw.randint(300, 9000)}]" if program != "kernel" else program
        host = "db1" if program in ("db", "kernel") else "web1"
        lines.append(f"{now:%b} {now.day:2d} {now:%H:%M:%S} {host} {tag}: {text.format_map(_values(draw))}")
    return lines


def _values(draw: random.Random) -> dict[str, object]:
    return {
        "number": draw.randint(1000, 999_999),
        "small": draw.randint(2, 99),
        "price": f"{draw.uniform(3, 300):.2f}",
        "share": f"{draw.uniform(0, 9):.1f}",
        "size": draw.randint(100, 90_000),
        "port": draw.randint(1024, 65_535),
        "user": draw.choice(USERS),
        "table": draw.choice(TABLES),
        "ip": f"10.{draw.randint(0, 3)}.{draw.randint(0, 255)}.{draw.randint(1, 254)}",
        "uuid": "-".join(f"{draw.getrandbits(4 * n):0{n}x}" for n in (8, 4, 4, 4, 12)),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE)
