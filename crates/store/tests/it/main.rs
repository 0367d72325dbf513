//! One suite over every aggregate, on SQLite and on PostgreSQL: what the hub relies on holds on both.

mod place;
mod people;
mod configuration;
mod fleet;
mod happenings;
mod incidents;
mod analytics;
mod outbox;
mod turns;
mod runs;
mod firings;
mod deployments;
mod keys;
mod records;
mod engine;

/// Runs each case on both databases.
macro_rules! on_both {
    ($($file:ident :: $case:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                crate::$file::$case(crate::place::Place::sqlite()).await;
            })+
        }
        mod postgresql {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                if let Some(place) = crate::place::Place::postgres() {
                    crate::$file::$case(place).await;
                }
            })+
        }
    };
}

on_both! {
    people::users_are_found_saved_and_deleted_with_their_sessions,
    people::sessions_end,
    people::tokens_are_found_by_hash_and_revoked_once,
    configuration::every_version_is_kept_and_a_stale_update_changes_nothing,
    configuration::names_are_unique_within_a_kind,
    configuration::who_loses_a_name_reads_who_has_it,
    configuration::every_change_is_marked,
    fleet::a_server_lives_and_leaves_its_key_revoked,
    fleet::an_enrolment_token_works_once,
    fleet::of_many_agents_with_one_token_one_enrols,
    fleet::processes_are_found_by_time,
    happenings::an_event_of_one_origin_is_stored_once,
    happenings::events_are_filtered_and_paged,
    happenings::an_open_alert_is_unique_however_many_raise_it,
    happenings::a_question_stays_until_it_is_answered,
    incidents::a_write_on_an_old_reading_is_stale,
    incidents::one_open_incident_per_group,
    incidents::what_ended_of_a_group_is_found_the_last_first,
    incidents::incidents_are_filtered_and_paged,
    incidents::incidents_that_may_gather_more_are_found_by_their_source,
    incidents::a_timeline_entry_is_told_once,
    incidents::numbers_are_never_given_twice,
    analytics::what_is_counted_is_what_began_in_the_range_without_drills,
    outbox::a_message_is_claimed_by_one_of_many,
    turns::a_turn_is_held_by_one_of_many_and_goes_on_where_it_was,
    turns::whoever_lost_a_turn_marks_nothing,
    outbox::a_lease_that_runs_out_is_claimed_again_and_fenced,
    outbox::what_a_dead_sender_held_is_released,
    outbox::an_acknowledgement_stops_pages_even_under_way,
    outbox::what_was_cancelled_in_its_senders_hands_says_that_it_was_not_sent,
    outbox::retries_and_giving_up_are_visible,
    outbox::what_waits_for_its_time_is_hurried_or_dropped_by_its_step,
    keys::a_key_is_published_used_and_ended_once,
    keys::what_agents_hold_is_kept,
    keys::every_sealed_secret_is_found_and_replaced,
    runs::runs_of_automations_are_found_by_the_server_they_touch,
    runs::another_try_takes_the_place_of_one_that_has_not_ended,
    runs::an_execution_ends_once,
    runs::output_keeps_its_bytes_and_order,
    runs::runs_are_filtered_and_overdue_executions_found,
    runs::waiting_executions_are_released_once_and_runs_approved_once,
    runs::the_ends_of_outputs_are_found_in_one_go,
    runs::a_page_of_runs_is_counted_in_one_go,
    runs::an_attempt_is_written_on_a_fresh_reading_only,
    firings::due_times_are_found_and_moved_on_once,
    firings::of_many_that_answer_a_due_time_one_does,
    firings::a_firing_waits_runs_and_ends_once,
    firings::the_history_of_an_automation_is_bounded,
    deployments::a_deployment_ends_once,
    deployments::steps_are_written_as_they_are_now,
    deployments::deployments_are_filtered_and_paged,
    deployments::a_revoked_host_key_stays,
    deployments::credentials_are_found_by_id_and_name,
    records::changes_are_seen_in_the_order_of_commits,
    records::an_answer_is_remembered,
    records::the_audit_log_shows_tampering,
    records::concurrent_audit_entries_make_one_chain,
    records::small_facts_and_rule_states_are_replaced,
    engine::a_failed_expectation_leaves_nothing,
    engine::two_hundred_batches_at_once_each_count,
    engine::everything_is_there_after_a_restart,
    engine::a_newer_schema_is_worked_on_until_it_changes_what_older_hubs_rely_on,
    engine::every_statement_is_understood,
}
