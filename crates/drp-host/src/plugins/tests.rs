#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::{
    rude::{TestHost, is_alive, published, quick, until},
    *,
};
use crate::bus::Delivery;

/// `#28`.
#[tokio::test]
async fn a_plugin_lives_from_its_object_to_its_end() {
    let host = TestHost::new().await;
    let mut events = host.bus.subscribe(1000);
    host.run("rude", json!({"rude/x": [1]})).await;
    assert_eq!(host.plugins.state("p1"), Some(State::Configured));
    assert_eq!(published(&mut events), ["plugin_providers.create.rude", "plugins.configed.p1"]);
    assert_eq!(host.providers.changes().borrow().to_owned(), 1);

    let found = host.act("environment").await.unwrap();
    let directory = host.directory.path();
    assert_eq!(found["RS_ENDPOINT"], "https://127.0.0.1:1");
    assert_eq!(found["RS_FILESERVER"], "http://127.0.0.1:2");
    assert_eq!(found["RS_WEBROOT"], directory.join("web").to_str().unwrap());
    assert_eq!(found["RS_CA_FILE"], directory.join("ca.pem").to_str().unwrap());
    assert!(found["RS_TOKEN"].as_str().is_some_and(|token| !token.is_empty()));
    assert_eq!(found["cwd"], directory.canonicalize().unwrap().join("scratch/p1").to_str().unwrap());
    assert_eq!(std::fs::read_dir(directory.join("run")).unwrap().count(), 2);

    published(&mut events);
    host.objects.delete(&crate::auth::Principal::system(), "plugins", "p1").await.unwrap();
    until("the plugin is forgotten", || host.plugins.state("p1").is_none()).await;
    assert!(!is_alive(found["pid"].as_u64().unwrap()));
    assert_eq!(["run", "scratch"].map(|name| std::fs::read_dir(directory.join(name)).unwrap().count()), [0, 0]);
    assert_eq!(published(&mut events), ["plugins.stopped.p1"]);
    assert_eq!(host.act("environment").await.unwrap_err().code, 400);
    // The real stop is one that Go plugins do not answer.
    assert!(host.messages().contains(&"STOPPING".to_owned()));
    assert!(!host.messages().iter().any(|line| line.starts_with("Stop failed")));
}

#[tokio::test]
async fn a_plugin_is_told_to_be_configured_with_what_it_was_configured_with() {
    let host = TestHost::new().await;
    let mut events = host.bus.subscribe(1000);
    host.run("rude", json!({"rude/x": 1})).await;
    host.change("Params", json!({"rude/x": 2})).await;
    let mut seen = Vec::new();
    until("it is configured twice", || {
        while let Some(Delivery::Event(published)) = events.try_next() {
            if published.event.action == "configed" {
                let plugin: RawModel = published.event.object.parse().unwrap();
                seen.push(plugin.get::<serde_json::Value>("Params").unwrap());
            }
        }
        seen.len() == 2
    })
    .await;
    assert_eq!(seen, [json!({"rude/x": 1}), json!({"rude/x": 2})]);
}

/// `#4`.
#[tokio::test]
async fn a_crashed_plugin_is_restarted_and_keeps_its_errors_until_it_has_been_healthy() {
    let host = TestHost::with_times(Times { healthy: Duration::from_secs(2), ..quick() }).await;
    host.run("rude", json!({})).await;
    let pid = host.pid().await;
    let error = host.act("crash").await.unwrap_err();
    assert!(error.code == 502 || error.code == 503, "{error}");
    assert!(error.messages[0].starts_with("Plugin p1 "), "{error}");
    until("it is there again", || {
        host.plugins.state("p1") == Some(State::Configured) && !host.stored_errors().is_empty()
    })
    .await;
    assert_ne!(host.pid().await, pid);
    let errors = host.stored_errors();
    assert!(errors[0].starts_with("Plugin exited: exit status 3\n"), "{errors:?}");
    assert!(errors[0].ends_with("\ncrashing as told"), "{errors:?}");
    assert_eq!(host.plugins.errors("p1"), errors);
    until("the errors are cleared", || host.stored_errors().is_empty()).await;
}

#[tokio::test]
async fn a_refused_config_stops_the_plugin_until_something_changes() {
    for manner in ["error", "error-in-error"] {
        let host = TestHost::running("rude", json!({"rude/mode": format!("config-{manner}")})).await;
        assert_eq!(host.plugins.state("p1"), Some(State::Stopped));
        assert_eq!(host.stored_errors(), ["plugin: plugin/rude: bad outlet"]);
        assert_eq!(std::fs::read_dir(host.directory.path().join("run")).unwrap().count(), 0);
        host.change("Meta", json!({"icon": "x"})).await;
        host.change("Params", json!({})).await;
        host.until_state(State::Configured).await;
        assert!(host.stored_errors().is_empty());
        // Not for the change of Meta, and not for the errors that the host itself wrote.
        let starts = host.messages().iter().filter(|line| line.contains("(se): Received Config")).count();
        assert_eq!(starts, 2);
    }
}

#[tokio::test]
async fn a_config_without_a_good_answer_is_an_error() {
    let check = async |manner: &str, text: &str| {
        let host = TestHost::with_times(Times { config: Duration::from_millis(500), ..quick() }).await;
        host.run("rude", json!({"rude/mode": format!("config-{manner}")})).await;
        let errors = host.stored_errors();
        assert!(errors[0].contains(text), "{errors:?}");
        host.plugins.stop().await;
    };
    check("garbage", "its answer is not JSON").await;
    check("silent", "did not answer config within 500ms").await;
    check("crash", "Plugin exited: exit status 5\n").await;
    check("crash", "cannot bear this").await;
}

/// `#36`.
#[tokio::test]
async fn a_provider_that_is_not_allowed_here_goes_with_all_its_plugins() {
    let host = TestHost::running("rude", json!({})).await;
    let mut events = host.bus.subscribe(1000);
    host.create("plugins", json!({"Name": "p2", "Provider": "rude", "Params": {"rude/mode": "config-forbidden"}}))
        .await;
    host.until_state(State::Stopped).await;
    let expected = ["Missing Plugin Provider: rude", "Provider rude withdrew: LICENSE: no licence"];
    assert_eq!(host.stored_errors(), expected);
    until("p2 says why", || host.plugins.errors("p2") == expected).await;
    assert!(host.providers.get("rude").is_none());
    assert!(host.params.declaration("rude/step").is_none());
    assert_eq!(published(&mut events), ["plugin_providers.delete.rude", "plugins.stopped.p1"]);

    host.objects.delete(&crate::auth::Principal::system(), "plugins", "p2").await.unwrap();
    host.providers.import(&host.directory.path().join("plugins/rude")).await.unwrap();
    host.until_state(State::Configured).await;
    assert!(host.stored_errors().is_empty());
}

#[tokio::test]
async fn a_plugin_that_does_not_start_says_why_and_is_tried_again() {
    let check = async |provider: &str, expected: &[&str]| {
        let host = TestHost::with_times(Times { ready: Duration::from_millis(300), ..quick() }).await;
        host.run(provider, json!({})).await;
        let errors = host.stored_errors();
        for text in expected {
            assert!(errors[0].contains(text), "{errors:?}");
        }
        let attempt = format!("Plugin p1: {}", errors[0]);
        until("a second attempt", || host.messages().iter().filter(|line| **line == attempt).count() > 1).await;
        host.plugins.stop().await;
    };
    let not_started = "Failed to start plugin - didn't start: ";
    check("rude-listen-exit", &[not_started, "exit status 7 before READY!\nI have better things to do"]).await;
    check("rude-listen-failed", &["Failed to start plugin - didn't respond cleanly"]).await;
    check("rude-listen-silent", &[not_started, "no READY! within 300ms"]).await;
    check("rude-listen-ready-exit", &["Plugin exited: exit status 4\nthat was all"]).await;
}

#[tokio::test]
async fn output_of_any_length_does_not_block_a_plugin() {
    let host = TestHost::running("rude-listen-long-line", json!({})).await;
    assert_eq!(host.plugins.state("p1"), Some(State::Configured));
    let messages = host.messages();
    assert!(messages.iter().any(|line| line.starts_with("Plugin p1(se): eee") && line.ends_with(" [cut]")));
    assert!(messages.iter().any(|line| line.starts_with("Plugin p1: start-up: ooo")));
    let line = host.log.lines().into_iter().find(|line| line.message.starts_with("Plugin p1(se)")).unwrap();
    assert!(line.ignore_publish && line.service == "p1");
}

#[tokio::test]
async fn a_plugin_that_will_not_stop_is_ended_with_its_helpers() {
    for manner in ["refuse", "ignore", "silent", "stubborn"] {
        let host = TestHost::with_times(Times { stop: Duration::from_millis(300), ..quick() }).await;
        host.run("rude", json!({"rude/mode": format!("stop-{manner}")})).await;
        let (pid, helper) = (host.pid().await, host.act("helper").await.unwrap().as_u64().unwrap());
        assert!(is_alive(pid) && is_alive(helper));
        host.plugins.stop().await;
        assert!(!is_alive(pid), "{manner}");
        until("the helper is gone", || !is_alive(helper)).await;
        assert_eq!(host.plugins.state("p1"), None);
    }
}

/// `#3`.
#[tokio::test]
async fn a_stopping_host_fails_the_actions_in_flight_after_a_while() {
    let host = Arc::new(TestHost::running("rude", json!({})).await);
    let sleeping = tokio::spawn({
        let host = host.clone();
        async move { host.act("sleep").await }
    });
    let mut events = host.bus.subscribe(10);
    host.pid().await;
    until("the action is under way", || published(&mut events).contains(&"system.sleep.global".to_owned())).await;
    host.plugins.stop().await;
    assert_eq!(sleeping.await.unwrap().unwrap_err().code, 503);
}

/// `#8`.
#[tokio::test]
async fn only_a_change_of_what_it_runs_on_restarts_a_plugin() {
    let host = TestHost::running("rude", json!({})).await;
    let pid = host.pid().await;
    for (key, value) in [("Meta", json!({"a": "b"})), ("Documentation", json!("x")), ("PluginErrors", json!(["x"]))] {
        host.change(key, value).await;
        assert_eq!(host.pid().await, pid, "{key}");
    }
    for (key, value) in [("Description", json!("new")), ("Params", json!({"a/b": 1}))] {
        let old = host.pid().await;
        host.change(key, value).await;
        until("the old process is gone", || !is_alive(old)).await;
        host.until_state(State::Configured).await;
        assert_ne!(host.pid().await, old, "{key}");
    }
}

/// `#12`.
#[tokio::test]
async fn a_provider_that_is_imported_again_restarts_its_plugins() {
    let host = TestHost::running("rude", json!({})).await;
    let pid = host.pid().await;
    host.providers.import(&host.directory.path().join("plugins/rude")).await.unwrap();
    until("the old process is gone", || !is_alive(pid)).await;
    host.until_state(State::Configured).await;
    assert_ne!(host.pid().await, pid);
}

#[tokio::test]
async fn a_plugin_waits_for_its_provider_and_its_params() {
    let host = TestHost::new().await;
    host.plugins.start();
    host.create("plugins", json!({"Name": "p1", "Provider": "rude-needy", "Params": {"rude/mode": 1}})).await;
    until("it says what is missing", || host.stored_errors() == ["Missing Plugin Provider: rude-needy"]).await;
    host.providers.import(&host.install("rude-needy")).await.unwrap();
    let wrong = ": (root): Invalid type. Expected: string, given: integer";
    until("params are checked", || host.stored_errors() == ["Missing required parameter: rude/needed", wrong]).await;

    host.change_object("profiles", "global", "Params", json!({"rude/needed": 5})).await;
    host.change("Params", json!({"own/param": true})).await;
    host.until_state(State::Configured).await;
    let body = r#"{"Name":"p1","own/param":true,"rude/needed":5}"#;
    assert!(host.messages().contains(&format!("Plugin p1(se): Received Config request: {body}")));
}

/// `#27`.
#[tokio::test]
async fn secrets_do_not_come_back_through_the_log() {
    let host = TestHost::running("rude", json!({"rude/token": "hunter22"})).await;
    assert_eq!(host.act("log-token").await.unwrap(), "HTTP/1.1 204 No Content");
    let messages = host.messages();
    assert!(messages.contains(&"token=<secret>".to_owned()));
    assert!(!messages.iter().any(|line| line.contains("hunter22")), "{messages:?}");
    let line = host.log.lines().into_iter().find(|line| line.message.starts_with("token=")).unwrap();
    assert_eq!((line.level.as_str(), line.principal.as_str()), ("error", "plugin:p1"));
}

#[tokio::test]
async fn a_plugin_that_leaves_is_stopped_and_not_started_again() {
    let host = TestHost::running("rude", json!({})).await;
    assert_eq!(host.act("leave").await.unwrap(), "HTTP/1.1 204 No Content");
    host.until_state(State::Stopped).await;
    assert!(host.providers.get("rude").is_some());

    host.change("Description", json!("try again")).await;
    host.until_state(State::Configured).await;
    host.act("withdraw").await.unwrap();
    host.until_state(State::Stopped).await;
    let expected = ["Missing Plugin Provider: rude", "Provider rude withdrew: : licence expired"];
    until("it says why", || host.stored_errors() == expected).await;
}

#[tokio::test]
async fn events_are_posted_to_those_who_have_them_the_old_way() {
    let host = TestHost::running("rude-publish-print", json!({})).await;
    host.act("post-event").await.unwrap();
    let posted = |line: &String| line.starts_with("Plugin p1(so): event ") && line.contains(r#""Type":"rude""#);
    until("the event is there", || host.messages().iter().any(posted)).await;
    assert!(!host.messages().iter().any(|line| line.contains(r#"event {"Type":"log""#)));
}

#[tokio::test]
async fn a_plugin_can_be_called_while_it_is_in_service() {
    let host = TestHost::running("rude", json!({})).await;
    let caller = host.plugins.caller("p1").unwrap();
    let request = http::Request::get("/api/v3/plugin-apis/p1/x").header("host", "x").body(axum::body::Body::empty());
    let response = caller.forward(request.unwrap(), Duration::from_secs(10)).await.unwrap();
    assert_eq!(response.status(), 404);
    host.objects.delete(&crate::auth::Principal::system(), "plugins", "p1").await.unwrap();
    until("it is out of service", || host.plugins.caller("p1").is_none()).await;
}

/// `#6`: however many plugins a provider has, their tasks are told, and nothing fills up.
#[tokio::test]
async fn a_provider_may_have_more_plugins_than_any_queue_has_places() {
    const PLUGINS: usize = 1200;
    let host = TestHost::new().await;
    host.plugins.start();
    for number in 0..PLUGINS {
        host.create("plugins", json!({"Name": format!("many-{number}"), "Provider": "rude-needy"})).await;
    }
    let all_say = |text: &'static str| {
        let host = &host;
        move || (0..PLUGINS).all(|number| host.plugins.errors(&format!("many-{number}")) == [text])
    };
    until("they miss their provider", all_say("Missing Plugin Provider: rude-needy")).await;
    host.providers.import(&host.install("rude-needy")).await.unwrap();
    until("they miss a param", all_say("Missing required parameter: rude/needed")).await;
    host.providers.remove("rude-needy").await.unwrap();
    until("they miss their provider again", all_say("Missing Plugin Provider: rude-needy")).await;
    host.plugins.stop().await;
}

#[tokio::test]
async fn an_end_that_nobody_wanted_is_published_as_any_other() {
    let host = TestHost::running("rude", json!({})).await;
    let mut events = host.bus.subscribe(100);
    host.act("crash").await.unwrap_err();
    let mut seen = Vec::new();
    until("it is in service again", || {
        seen.extend(published(&mut events).into_iter().filter(|event| event.starts_with("plugins.")));
        seen.len() >= 2
    })
    .await;
    assert_eq!(seen, ["plugins.stopped.p1", "plugins.configed.p1"]);
}
