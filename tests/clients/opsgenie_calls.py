"""Opsgenie's own client against a hub, one call by its name: opsgenie_calls.py URL KEY CALL [IDENTIFIER]. Prints what became of it."""

import datetime
import json
import sys

import opsgenie_sdk as sdk

url, key, call = sys.argv[1:4]
identifier = sys.argv[4] if len(sys.argv) > 4 else "disk/web-1"
kind = sys.argv[5] if len(sys.argv) > 5 else "alias"

configuration = sdk.Configuration()
configuration.host = url
configuration.api_key["Authorization"] = key
# The library's own pauses are up to a minute each.
configuration.retry_count = 60
configuration.retry_delay = 2
configuration.short_polling_max_retries = 0
alerts = sdk.AlertApi(sdk.ApiClient(configuration=configuration))
named = {"identifier": identifier, "identifier_type": kind}


def in_hours(hours):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)


CALLS = {
    "create": lambda: alerts.create_alert(
        sdk.CreateAlertPayload(
            message="disk is full",
            alias="disk/web-1",
            description="95 % of /var",
            responders=[{"name": "ops", "type": "team"}],
            tags=["prod", "disk"],
            details={"mount": "/var"},
            entity="web-1",
            priority="P1",
        )
    ),
    "note": lambda: alerts.add_note(add_note_to_alert_payload={"note": "looking", "user": "ann"}, **named),
    "acknowledge": lambda: alerts.acknowledge_alert(
        acknowledge_alert_payload=sdk.AcknowledgeAlertPayload(user="ann"), **named
    ),
    "unacknowledge": lambda: alerts.un_acknowledge_alert(**named),
    "snooze": lambda: alerts.snooze_alert(
        snooze_alert_payload=sdk.SnoozeAlertPayload(end_time=in_hours(2)), **named
    ),
    "snooze in the past": lambda: alerts.snooze_alert(
        snooze_alert_payload=sdk.SnoozeAlertPayload(end_time=in_hours(-2)), **named
    ),
    "escalate": lambda: alerts.escalate_alert(
        escalate_alert_to_next_payload=sdk.EscalateAlertToNextPayload(escalation={"name": "climb"}), **named
    ),
    "assign": lambda: alerts.assign_alert(
        assign_alert_payload=sdk.AssignAlertPayload(owner={"username": "bob@example.com"}), **named
    ),
    "add tags": lambda: alerts.add_tags(
        add_tags_to_alert_payload=sdk.AddTagsToAlertPayload(tags=["night"]), **named
    ),
    "remove tags": lambda: alerts.remove_tags(tags=["disk"], **named),
    "add details": lambda: alerts.add_details(
        add_details_to_alert_payload=sdk.AddDetailsToAlertPayload(details={"inode": "7"}), **named
    ),
    "remove details": lambda: alerts.remove_details(keys=["mount"], **named),
    "priority": lambda: alerts.update_alert_priority(
        update_alert_priority_payload=sdk.UpdateAlertPriorityPayload(priority="P4"), **named
    ),
    "message": lambda: alerts.update_alert_message(
        update_alert_message_payload=sdk.UpdateAlertMessagePayload(message="disk is really full"), **named
    ),
    "description": lambda: alerts.update_alert_description(
        update_alert_description_payload=sdk.UpdateAlertDescriptionPayload(description="99 % of /var"), **named
    ),
    "responder": lambda: alerts.add_responder(
        add_responder_to_alert_payload=sdk.AddResponderToAlertPayload(
            responder={"username": "cy@example.com", "type": "user"}
        ),
        **named,
    ),
    "action": lambda: alerts.execute_custom_alert_action(action_name="restart", **named),
    "close": lambda: alerts.close_alert(close_alert_payload=sdk.CloseAlertPayload(note="swept"), **named),
    "delete": lambda: alerts.delete_alert(**named),
}


def outcome():
    if call == "get":
        alert = alerts.get_alert(**named).data
        return json.loads(json.dumps(alert.to_dict(), default=str))
    taken = CALLS[call]()
    status = taken.retrieve_result().data
    return {
        "result": taken.result,
        "success": status.is_success,
        "action": status.action,
        "status": status.status,
        "alert": status.alert_id,
        "alias": status.alias,
    }


try:
    print(json.dumps({"returned": outcome()}))
except Exception as error:  # What the client makes of a refusal is what is asked for.
    print(json.dumps({"raised": type(error).__name__, "status": getattr(error, "status", None), "said": str(error)}))
