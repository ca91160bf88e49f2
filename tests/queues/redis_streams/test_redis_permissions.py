"""What a user of Redis lacks, from the words of several releases of it."""

from __future__ import annotations

import pytest

from exporter.redis_server.permissions import Asked, lacking, without_arguments

XADD = Asked((("XADD", "changes", "*", "event", b'{"profileId": "p-1842"}'),))
READ = Asked((("XREADGROUP", "GROUP", "g", "exporter", "COUNT", 1, "STREAMS", "changes", ">"),))
GROUP = Asked((("XGROUP", "SETID", "changes", "g", "0-0"),))
SCRIPT = Asked(
    script="\nlocal a = redis.call('GET', KEYS[1])\nredis.call('HSET', KEYS[2], 'a', a)\n"
    "return redis.call('XINFO', 'GROUPS', 'x')",
    keys=["lease", "record"],
)
OLD_COMMAND = "this user has no permissions to run the '{}' command"
NEW_COMMAND = "User u has no permissions to run the '{}' command"
OLD_KEY = "this user has no permissions to access one of the keys used as arguments"
NEW_KEY = "No permissions to access a key"
OLD_SCRIPT = "The user executing the script can't run this command or subcommand script: fa56, on @user_script:{}."
OLD_SCRIPT_KEY = (
    "The user executing the script can't access at least one of the keys mentioned in the command arguments "
    "script: fa56, on @user_script:{}."
)
NEW_SCRIPT = (
    "ACL failure in script: User u has no permissions to run the '{}' command script: fa56, on @user_script:{}."
)
NEW_SCRIPT_KEY = "ACL failure in script: No permissions to access a key script: fa56, on @user_script:{}."


@pytest.mark.parametrize(
    ("text", "asked", "said"),
    [
        (OLD_COMMAND.format("xadd"), XADD, "the command XADD on the key changes; grant +xadd"),
        (NEW_COMMAND.format("xadd"), XADD, "the command XADD on the key changes; grant +xadd"),
        (OLD_COMMAND.format("xgroup|setid"), GROUP, "the command XGROUP SETID on the key changes; grant +xgroup|setid"),
        (OLD_COMMAND.format("time"), Asked((("TIME",),)), "the command TIME; grant +time"),
        (OLD_COMMAND.format("select"), SCRIPT, "the command SELECT; grant +select"),
        (OLD_COMMAND.format("evalsha"), SCRIPT, "the command EVALSHA; grant +evalsha"),
        (OLD_KEY, XADD, "the key changes for XADD; grant it"),
        (NEW_KEY, READ, "the key changes for XREADGROUP; grant it"),
        (OLD_KEY, Asked((("DEL", "a", "b"),)), "one of the keys a, b for DEL; grant them"),
        (OLD_KEY, SCRIPT, "one of the keys lease, record for EVALSHA; grant them"),
        (OLD_SCRIPT.format(2), SCRIPT, "the command GET on the key lease; grant +get"),
        (OLD_SCRIPT.format(3), SCRIPT, "the command HSET on the key record; grant +hset"),
        (NEW_SCRIPT.format("hset", 3), SCRIPT, "the command HSET on the key record; grant +hset"),
        (OLD_SCRIPT_KEY.format(3), SCRIPT, "the key record for HSET; grant it"),
        (NEW_SCRIPT_KEY.format(2), SCRIPT, "the key lease for GET; grant it"),
        (OLD_SCRIPT.format(4), SCRIPT, "the command XINFO GROUPS; grant +xinfo|groups"),
        (OLD_SCRIPT_KEY.format(4), SCRIPT, "a key beside lease for XINFO GROUPS; grant it"),
        (
            OLD_SCRIPT.format(99),
            SCRIPT,
            "one of the commands GET, HSET, XINFO GROUPS on one of the keys lease, record; grant them",
        ),
        ("EXEC without MULTI", XADD, "the command MULTI; grant +multi"),
    ],
)
def test_what_is_lacking(text: str, asked: Asked, said: str) -> None:
    assert lacking(text, asked) == f"it may not use {said}"


@pytest.mark.parametrize("quote", ["'", '"'])
def test_in_a_transaction_it_is_the_command_that_was_refused(quote: str) -> None:
    asked = Asked((("TIME",), ("HSET", "meta", "field", "p-1842")))
    text = f"Command # 2 (HSET meta field p-1842) of pipeline caused error: ({quote}{OLD_KEY}{quote},)"
    assert lacking(text, asked) == "it may not use the key meta for HSET; grant it"
    assert without_arguments(text) == OLD_KEY


def test_an_event_that_speaks_of_permissions_is_none() -> None:
    text = "Command # 1 (XADD changes * event no permissions to access a key) of pipeline caused error: ('too late',)"
    assert lacking(text, XADD) is None
    assert without_arguments(text) == "too late"


def test_other_errors_are_none() -> None:
    assert lacking("wrong number of arguments for 'xadd' command", XADD) is None
    assert lacking("The XGROUP subcommand requires the key to exist", GROUP) is None
