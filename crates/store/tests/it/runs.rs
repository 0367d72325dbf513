//! Runs, executions, output, and an automation's attempts.

use watchtower_model::{AgentId, RunId, ServerId};
use watchtower_store::{AttemptRow, DbError, ExecutionRow, ExecutionUpdate, RunFilter, RunRow, Store};

use crate::place::{NOW, Place, at, commit, id};

pub fn run(number: i64) -> RunRow {
    RunRow {
        id: id(),
        number,
        script_id: Some(id()),
        name: "restart".into(),
        script_version: Some(3),
        body: "{}".into(),
        sealed: String::new(),
        selector: "env=\"a\"".into(),
        state: "running".into(),
        started_by: "ada".into(),
        automation_id: None,
        incident_id: Some(id()),
        created_at: at(number),
        finished_at: None,
        rollout: "{}".into(),
        approve_by: None,
        approved_by: None,
        person: "ada".into(),
        authority: "bootstrap".into(),
    }
}

fn execution(run: RunId, server: ServerId, agent: AgentId) -> ExecutionRow {
    ExecutionRow {
        id: id(),
        run_id: run,
        server_id: server,
        agent_id: agent,
        state: "pending".into(),
        exit_code: None,
        reason: None,
        created_at: NOW,
        not_after: at(100),
        give_up_at: at(1000),
        started_at: None,
        finished_at: None,
        stdout_bytes: 0,
        stderr_bytes: 0,
        cancel: false,
        place: 0,
        turn_group: None,
        output_bytes: 0,
        stdout_end: 0,
        stderr_end: 0,
        try_number: 1,
        replaced_by: None,
    }
}

/// A store with one run that has one execution.
async fn with_execution(place: &Place) -> (Store, RunRow, ExecutionRow) {
    let store = place.open().await;
    let run = run(1);
    let execution = execution(run.id, id(), id());
    store.commit(vec![Store::insert_run(&run), Store::insert_execution(&execution)]).await.unwrap();
    (store, run, execution)
}

pub async fn an_execution_ends_once(place: Place) {
    let (store, run, execution) = with_execution(&place).await;
    let update = |state, exit_code, finished_at, stdout_bytes| ExecutionUpdate {
        state,
        exit_code,
        started_at: Some(at(1)),
        finished_at,
        stdout_bytes,
        ..Default::default()
    };
    commit(&store, Store::update_execution(execution.id, &update("running", None, None, 50))).await;
    commit(&store, Store::update_execution(execution.id, &update("running", None, None, 20))).await;
    commit(&store, Store::cancel_executions_of(run.id)).await;
    assert!(store.open_executions_of(execution.agent_id).await.unwrap()[0].cancel);
    assert_eq!(
        commit(&store, Store::update_execution(execution.id, &update("succeeded", Some(0), Some(at(9)), 60)))
            .await,
        1
    );
    for late in [update("lost", None, Some(at(10)), 0), update("running", Some(1), None, 99)] {
        assert_eq!(commit(&store, Store::update_execution(execution.id, &late)).await, 0, "it has ended");
    }
    let ended = store.execution(execution.id).await.unwrap().unwrap();
    assert_eq!((ended.state.as_str(), ended.exit_code, ended.stdout_bytes), ("succeeded", Some(0), 60));
    assert_eq!((ended.started_at, ended.finished_at), (Some(at(1)), Some(at(9))));

    assert_eq!(commit(&store, Store::finish_run(run.id, "succeeded", at(10))).await, 1);
    assert_eq!(commit(&store, Store::finish_run(run.id, "failed", at(11))).await, 0);
    assert_eq!(commit(&store, Store::set_run_state(run.id, "running")).await, 0);
    assert_eq!(store.run(run.id).await.unwrap().unwrap().state, "succeeded");
    assert_eq!(store.runs_in_progress().await.unwrap(), 0);
}

pub async fn output_keeps_its_bytes_and_order(place: Place) {
    let (store, run, execution) = with_execution(&place).await;
    let chunks: [(&str, i64, &[u8]); 4] = [
        ("stdout", 0, b"plain\n"),
        ("stderr", 0, &[0, 1, 255, 254, b'\n', 0]),
        ("stdout", 6, "half of ü: \u{fc}".as_bytes()),
        ("stderr", 100, b"behind a gap"),
    ];
    for (stream, offset, data) in chunks {
        // Only the gap makes a stream go on elsewhere than where it ended.
        let known = if offset == 100 { 6 } else { offset };
        let stored = Store::insert_output(execution.id, stream == "stdout", known, offset, data);
        store.commit(stored.into()).await.unwrap();
    }
    let twice = store.commit(Store::insert_output(execution.id, true, 0, 0, b"other").into()).await;
    assert!(matches!(twice, Err(DbError::Stale)), "a chunk sent twice: {twice:?}");
    let all = store.output_after(execution.id, 0, 100).await.unwrap();
    let found: Vec<_> = all.iter().map(|o| (o.stream.as_str(), o.start_at, o.data.as_slice())).collect();
    assert_eq!(found, chunks);
    let rest = store.output_after(execution.id, all[1].sequence, 1).await.unwrap();
    assert_eq!((rest.len(), rest[0].start_at), (1, 6));
    let sum: usize = chunks.iter().map(|(_, _, data)| data.len()).sum();
    let counted = store.execution(execution.id).await.unwrap().unwrap();
    assert_eq!(
        (counted.output_bytes, counted.stdout_end, counted.stderr_end),
        (sum as i64, 20, 112),
        "what is stored and what is counted differ"
    );
    commit(&store, Store::finish_run(run.id, "failed", at(1))).await;
    assert_eq!(commit(&store, Store::delete_runs_before(at(2))).await, 1);
    assert!(store.output_after(execution.id, 0, 1).await.unwrap().is_empty(), "output goes with its run");
}

pub async fn runs_are_filtered_and_overdue_executions_found(place: Place) {
    let (store, first, execution_of_first) = with_execution(&place).await;
    let second = run(2);
    commit(&store, Store::insert_run(&second)).await;
    let numbers = |filter: RunFilter| {
        let store = store.clone();
        async move {
            let found = store.runs(&RunFilter { limit: 10, ..filter }).await.unwrap();
            found.into_iter().map(|r| r.number).collect::<Vec<_>>()
        }
    };
    assert_eq!(numbers(RunFilter::default()).await, [2, 1]);
    assert_eq!(
        numbers(RunFilter { server: Some(execution_of_first.server_id), ..Default::default() }).await,
        [1]
    );
    assert_eq!(numbers(RunFilter { script: second.script_id, ..Default::default() }).await, [2]);
    assert_eq!(numbers(RunFilter { incident: first.incident_id, ..Default::default() }).await, [1]);
    assert_eq!(numbers(RunFilter { before: Some(2), ..Default::default() }).await, [1]);
    assert_eq!(store.find_run("2").await.unwrap().unwrap().id, second.id);
    assert_eq!(store.find_run(&first.id.to_string()).await.unwrap().unwrap().number, 1);
    assert_eq!(store.executions_of(first.id).await.unwrap().len(), 1);

    assert!(store.overdue_executions(at(99)).await.unwrap().is_empty());
    assert_eq!(store.overdue_executions(at(100)).await.unwrap().len(), 1, "its start is no longer wanted");
    let started = ExecutionUpdate { state: "running", ..Default::default() };
    commit(&store, Store::update_execution(execution_of_first.id, &started)).await;
    assert!(store.overdue_executions(at(999)).await.unwrap().is_empty());
    assert_eq!(store.overdue_executions(at(1000)).await.unwrap().len(), 1, "nobody heard of it");
}

pub async fn an_attempt_is_written_on_a_fresh_reading_only(place: Place) {
    let store = place.open().await;
    let mut row = AttemptRow {
        id: id(),
        automation_id: id(),
        server_id: id(),
        alert_id: id(),
        incident_id: None,
        state: "gated".into(),
        body: "{}".into(),
        revision: 1,
        run_id: None,
        wake_at: Some(at(5)),
        created_at: NOW,
        finished_at: None,
    };
    commit(&store, Store::insert_attempt(&row)).await;
    row.state = "running".into();
    row.run_id = Some(id());
    commit(&store, Store::update_attempt(&row)).await;
    let stale = store.commit(vec![Store::update_attempt(&row)]).await;
    assert!(matches!(stale, Err(DbError::Stale)), "{stale:?}");
    let found = store.attempt_of_run(row.run_id.unwrap()).await.unwrap().unwrap();
    assert_eq!((found.revision, found.state.as_str()), (2, "running"));
    assert_eq!(store.open_attempts().await.unwrap().len(), 1);
    assert_eq!(store.attempts_since(row.automation_id, NOW, 500).await.unwrap().len(), 1);
    let ended = AttemptRow { finished_at: Some(at(9)), ..found };
    commit(&store, Store::update_attempt(&ended)).await;
    assert!(store.open_attempts().await.unwrap().is_empty());
    assert_eq!(store.attempt(row.id).await.unwrap().unwrap().finished_at, Some(at(9)));
    assert_eq!(commit(&store, Store::delete_attempts_before(at(10))).await, 1);
}

pub async fn waiting_executions_are_released_once_and_runs_approved_once(place: Place) {
    let store = place.open().await;
    let waiting = RunRow { state: "awaiting_approval".into(), approve_by: Some(at(50)), ..run(1) };
    let agent: AgentId = id();
    let parts: Vec<ExecutionRow> = (0..3)
        .map(|place| ExecutionRow {
            state: "queued".into(),
            place: 2 - place,
            ..execution(waiting.id, id(), agent)
        })
        .collect();
    commit(&store, Store::insert_run(&waiting)).await;
    for part in &parts {
        commit(&store, Store::insert_execution(part)).await;
    }
    let order: Vec<_> = store.executions_of(waiting.id).await.unwrap().iter().map(|part| part.id).collect();
    assert_eq!(order, [parts[2].id, parts[1].id, parts[0].id], "not in the order of their places");
    assert!(store.runs_unapproved_at(at(49)).await.unwrap().is_empty());
    assert_eq!(store.runs_unapproved_at(at(50)).await.unwrap().len(), 1);
    assert!(store.runs_with_queue(9).await.unwrap().is_empty());
    commit(&store, Store::approve_run(waiting.id, "bob")).await;
    let again = store.commit(vec![Store::approve_run(waiting.id, "eve")]).await;
    assert!(matches!(again, Err(DbError::Stale)), "{again:?}");
    assert_eq!(store.runs_with_queue(9).await.unwrap()[0].approved_by.as_deref(), Some("bob"));
    assert!(store.executions_under_way().await.unwrap().is_empty());
    assert_eq!(store.open_and_queued(waiting.id).await.unwrap(), (3, 3));
    let release = || Store::release_execution(parts[0].id, at(60), at(70));
    assert_eq!(commit(&store, release()).await, 1);
    assert_eq!(commit(&store, release()).await, 0, "it was released twice");
    assert_eq!(store.executions_under_way().await.unwrap().len(), 1);
    assert_eq!(store.open_and_queued(waiting.id).await.unwrap(), (3, 2));
    assert_eq!(store.open_and_queued(id()).await.unwrap(), (0, 0));
    commit(&store, Store::cancel_execution(parts[0].id)).await;
    assert!(store.execution(parts[0].id).await.unwrap().unwrap().cancel);
}

pub async fn the_ends_of_outputs_are_found_in_one_go(place: Place) {
    let store = place.open().await;
    let row = run(1);
    commit(&store, Store::insert_run(&row)).await;
    let parts: Vec<ExecutionRow> = (0..3).map(|_| execution(row.id, id(), id())).collect();
    for (part, chunks) in parts.iter().zip([20, 2, 0_i64]) {
        commit(&store, Store::insert_execution(part)).await;
        for n in 0..chunks {
            let stored = Store::insert_output(part.id, true, n * 10, n * 10, &[n as u8; 10]);
            store.commit(stored.into()).await.unwrap();
        }
    }
    let ends = store.output_ends(row.id, 45).await.unwrap();
    let of = |part: &ExecutionRow| {
        let own = ends.iter().filter(|end| end.execution_id == part.id);
        own.map(|end| end.data[0]).collect::<Vec<_>>()
    };
    assert_eq!(of(&parts[0]), [15, 16, 17, 18, 19], "not what holds more than 45 bytes");
    assert_eq!(of(&parts[1]), [0, 1]);
    assert!(of(&parts[2]).is_empty());
}

pub async fn a_page_of_runs_is_counted_in_one_go(place: Place) {
    let store = place.open().await;
    let runs = [run(1), run(2), run(3)];
    for row in &runs {
        commit(&store, Store::insert_run(row)).await;
    }
    let server: ServerId = id();
    for (row, state) in [(0, "succeeded"), (0, "succeeded"), (0, "failed"), (1, "queued"), (2, "lost")] {
        let part = ExecutionRow { state: state.into(), ..execution(runs[row].id, server, id()) };
        commit(&store, Store::insert_execution(&part)).await;
    }
    let asked = [runs[0].id, runs[1].id];
    let mut counts: Vec<_> = store
        .execution_counts(&asked)
        .await
        .unwrap()
        .into_iter()
        .map(|count| (count.run_id, count.state, count.executions))
        .collect();
    counts.sort_by_key(|(run, state, _)| (*run == runs[1].id, state.clone()));
    assert_eq!(
        counts,
        [
            (runs[0].id, "failed".into(), 1),
            (runs[0].id, "succeeded".into(), 2),
            (runs[1].id, "queued".into(), 1)
        ]
    );
    assert_eq!(store.servers_of_runs(&asked).await.unwrap().len(), 2, "each pair once");
    assert_eq!(store.run_numbers(&asked).await.unwrap()[&runs[1].id], 2);
    assert!(store.execution_counts(&[]).await.unwrap().is_empty());
}

pub async fn runs_of_automations_are_found_by_the_server_they_touch(place: Place) {
    let store = place.open().await;
    let (web, db): (ServerId, ServerId) = (id(), id());
    let started = |number: i64, server, automation: bool, ended: Option<i64>| {
        let run = RunRow { automation_id: automation.then(id), ..run(number) };
        let execution = ExecutionRow { finished_at: ended.map(at), ..execution(run.id, server, id()) };
        (run, execution)
    };
    let all = [
        started(1, web, true, Some(5)),
        started(2, web, true, Some(20)),
        started(3, web, true, None),
        started(4, web, false, None),
        started(5, db, true, None),
        started(60, web, true, None),
    ];
    // Before, during, still, by a person, elsewhere, and after.
    for (run, execution) in &all {
        store.commit(vec![Store::insert_run(run), Store::insert_execution(execution)]).await.unwrap();
    }
    for (_, execution) in all.iter().filter(|(_, execution)| execution.finished_at.is_some()) {
        let ended = ExecutionUpdate {
            state: "succeeded",
            exit_code: Some(0),
            reason: None,
            started_at: None,
            finished_at: execution.finished_at,
            stdout_bytes: 0,
            stderr_bytes: 0,
        };
        commit(&store, Store::update_execution(execution.id, &ended)).await;
    }
    let mut found = store.automated_runs_on(web, at(10), at(50), 9).await.unwrap();
    let of = |place: usize| (all[place].0.id, all[place].0.automation_id.unwrap());
    let mut expected = vec![of(1), of(2)];
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(store.automated_runs_on(web, at(10), at(50), 1).await.unwrap().len(), 1);
}

/// A later try counts in the stead of the one before, which stays to be seen.
pub async fn another_try_takes_the_place_of_one_that_has_not_ended(place: Place) {
    let (store, run, first) = with_execution(&place).await;
    let second = ExecutionRow {
        try_number: 2,
        reason: Some("second try".into()),
        ..execution(run.id, first.server_id, first.agent_id)
    };
    let lost = ExecutionUpdate { state: "lost", finished_at: Some(NOW), ..ExecutionUpdate::default() };
    let again = || {
        vec![
            Store::replace_execution(first.id, second.id),
            Store::update_execution(first.id, &lost),
            Store::insert_execution(&second),
        ]
    };
    store.commit(again()).await.unwrap();
    assert!(matches!(store.commit(again()).await, Err(DbError::Stale)), "once");
    let present = store.executions_of(run.id).await.unwrap();
    assert_eq!(present.iter().map(|part| (part.id, part.try_number)).collect::<Vec<_>>(), [(second.id, 2)]);
    assert_eq!(present[0].reason.as_deref(), Some("second try"));
    let earlier = store.earlier_tries_of(run.id).await.unwrap();
    assert_eq!(
        (earlier.len(), earlier[0].state.as_str(), earlier[0].replaced_by),
        (1, "lost", Some(second.id))
    );
    let counts = store.execution_counts(&[run.id]).await.unwrap();
    assert_eq!(
        counts.iter().map(|count| (count.state.as_str(), count.executions)).collect::<Vec<_>>(),
        [("pending", 1)]
    );
    let done = ExecutionUpdate { state: "succeeded", finished_at: Some(NOW), ..ExecutionUpdate::default() };
    commit(&store, Store::update_execution(second.id, &done)).await;
    let late = vec![Store::replace_execution(second.id, first.id)];
    assert!(matches!(store.commit(late).await, Err(DbError::Stale)), "what has ended is not replaced");
}
