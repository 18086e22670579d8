"""The broker that is a folder: no half messages, no lost ones, no litter."""

import os
from datetime import UTC, datetime, timedelta
from queue import Empty

import pytest
from kombu import Connection

from office import broker_files

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


@pytest.fixture
def options(tmp_path, settings):
    """Options of a broker whose folders do not exist yet."""
    folders = {
        "data_folder_in": tmp_path / "data" / "broker",
        "data_folder_out": tmp_path / "data" / "broker",
        "processed_folder": tmp_path / "data" / "broker-processed",
        "control_folder": tmp_path / "data" / "broker-control",
    }
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {**folders, "store_processed": True, "polling_interval": 0.05}
    return settings.CELERY_BROKER_TRANSPORT_OPTIONS


@pytest.fixture
def channel(options):
    with Connection("filesystem://", transport=broker_files.Transport, transport_options=options) as connection:
        yield connection.default_channel


def test_what_goes_in_comes_out_in_order_and_once(channel):
    for each in range(5):
        channel._put("office", {"body": each})
    assert [channel._get("office")["body"] for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(Empty):
        channel._get("office")


def test_a_message_is_not_there_before_it_is_whole(channel, options, monkeypatch):
    folder, seen = options["data_folder_in"], []
    original = type(folder).rename

    def look(draft, name):
        seen.append(channel._size("office"))
        with pytest.raises(Empty):
            channel._get("office")
        return original(draft, name)

    monkeypatch.setattr(type(folder), "rename", look)
    channel._put("office", {"body": 1})
    assert seen == [0]
    assert channel._get("office") == {"body": 1}


def test_another_queue_is_left_alone(channel):
    channel._put("theirs", {"body": 1})
    with pytest.raises(Empty):
        channel._get("office")


@pytest.mark.parametrize("read", [False, True], ids=["never read", "read"])
def test_old_messages_are_removed_and_young_ones_stay(channel, options, read):
    channel._put("office", {"body": "old"})
    if read:
        channel._get("office")
    folder = options["processed_folder" if read else "data_folder_in"]
    [old] = folder.iterdir()
    long_ago = (NOW - timedelta(hours=1, seconds=1)).timestamp()
    os.utime(old, (long_ago, long_ago))
    channel._put("office", {"body": "young"})
    for young in set(options["data_folder_in"].iterdir()) - {old}:
        os.utime(young, (NOW.timestamp(), NOW.timestamp()))
    assert broker_files.prune(now=NOW) == 1
    assert not old.exists()
    assert channel._get("office") == {"body": "young"}


def test_with_redis_there_is_nothing_to_prune(settings):
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 5}
    assert broker_files.prune(now=NOW) == 0
