//! Configuration and actions.

use std::time::Instant;

use drp_plugin::{
    Machine, Model, Plugin, Profile,
    client::NextJob,
    models::{Job, Stage, Task},
};
use serde_json::{Value, json};

use crate::start;

#[tokio::test]
async fn a_wrong_configuration_is_told_whole_and_a_secret_is_seen_nowhere() {
    let host = start("checked-config").await;
    let check = async |params: Value, expected: &[&str]| {
        let told = host.configure(params).await.unwrap_err().messages.join("\n");
        for part in expected {
            assert!(told.contains(part), "no {part}: {told}");
        }
    };
    let wrong = json!({"checked-config/url": "ftp://x", "checked-config/seconds": 0, "checked-config/trust": "none"});
    check(wrong, &["checked-config/url", "checked-config/seconds", "checked-config/trust"]).await;
    check(json!({}), &["checked-config/url", "checked-config/token"]).await;
    let token = "opensesame-4711";
    let rules = json!({"checked-config/url": "http://example.com", "checked-config/token": token,
        "checked-config/trust": "pinned"});
    check(rules, &["checked-config/fingerprint", "in plain"]).await;

    host.configure(json!({"checked-config/url": "https://x", "checked-config/token": token})).await.unwrap();
    let checked: String = host.act_on_system("checked", json!({})).await.unwrap();
    assert_eq!(checked, "https://x every 10 seconds");
    host.wait_for_log("asking https://x with [secret]").await;
    let log = host.stop().await;
    assert!(!log.logged(token));
}

#[tokio::test]
async fn actions_are_offered_on_what_their_handlers_take() {
    let host = start("many-targets").await;
    host.configure(json!({})).await.unwrap();
    let profile = host.create(&Profile { name: "gold".to_owned(), ..Profile::default() }).await;
    let stage =
        host.create(&Stage { name: "rack".to_owned(), description: "Racks it".into(), ..Stage::default() }).await;
    let machine: Machine = host.client().objects().create(&json!({"Name": "m1", "Profiles": ["gold"]})).await.unwrap();
    let plugin: Plugin = host.plugin().await;
    assert_eq!(host.act::<usize>("holders", &profile, json!({})).await, Ok(1));
    assert_eq!(host.act::<usize>("steps", &stage, json!({})).await, Ok(0));
    assert_eq!(host.act::<String>("whoami", &plugin, json!({})).await.as_deref(), Ok("many-targets"));
    assert_eq!(host.act::<String>("describe", &machine, json!({})).await.as_deref(), Ok("one of machines"));
    assert_eq!(host.act::<String>("describe", &profile, json!({})).await.as_deref(), Ok("one of profiles"));
    assert_eq!(host.act::<u64>("describe", &stage, json!({})).await.unwrap_err().code, 400);
    assert_eq!(host.act_on_system::<u64>("compute", json!({"many-targets/millis": 2})).await, Ok(2));
    let late = host.act_on_system::<u64>("compute", json!({"many-targets/millis": 60000})).await.unwrap_err();
    assert_eq!(late.code, 504, "{late}");
    host.stop().await;
}

#[tokio::test]
async fn one_at_a_time_is_one_at_a_time_on_each_object() {
    let host = start("many-targets").await;
    host.configure(json!({})).await.unwrap();
    let machine = host.machine("m1").await;
    let blink = || host.act::<String>("blink", &machine, json!({"many-targets/millis": 50}));
    let (one, two, three) = tokio::join!(blink(), blink(), blink());
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    let log = host.stop().await.log;
    let order: Vec<&str> = log.iter().filter_map(|line| line.message.strip_prefix("m1 ")).collect();
    assert_eq!(order, ["begins", "ends", "begins", "ends", "begins", "ends"]);
}

#[tokio::test]
async fn programs_run_by_name_without_the_servers_token() {
    let host = start("local-commands").await;
    let script = "read -r machine; echo \"$machine\" | grep -o '\"Name\":\"[a-z0-9]*\"'; env | grep -c RS_TOKEN; \
                  echo ${#COMMAND_PASSWORD}; exit 3";
    let programs = json!({"check": ["sh", "-c", script], "gone": ["/no/such/program"]});
    let config = json!({"local-commands/programs": programs, "local-commands/password": "opensesame"});
    host.configure(config).await.unwrap();
    let machine = host.machine("m1").await;
    let run = |program: &str| host.act::<Value>("runLocal", &machine, json!({"local-commands/program": program}));
    let ended = run("check").await.unwrap();
    assert_eq!((&ended["code"], &ended["stdout"]), (&3.into(), &"\"Name\":\"m1\"\n0\n10\n".into()), "{ended}");
    let unknown = run("reboot").await.unwrap_err();
    assert_eq!(
        (unknown.code, unknown.messages.join("")),
        (404, "no program `reboot`; there are: check, gone".to_owned())
    );
    let gone = run("gone").await.unwrap_err();
    assert!(gone.code == 500 && gone.to_string().contains("there is no program"), "{gone}");
    assert_eq!(host.act_on_system::<String>("kernel", json!({})).await.as_deref(), Ok("Linux"));
    assert_eq!(host.act_on_system::<String>("shutdown", json!({})).await.unwrap_err().code, 400);
    host.stop().await;
}

#[tokio::test]
async fn a_long_action_tells_in_its_jobs_log_how_far_it_is() {
    let host = start("long-action").await;
    host.configure(json!({})).await.unwrap();
    host.create(&Task { name: "burning".to_owned(), ..Task::default() }).await;
    let machine = json!({"Name": "m1", "Tasks": ["burning"], "Runnable": true});
    let machine: Machine = host.client().objects().create(&machine).await.unwrap();
    let NextJob::New(job) = host.client().jobs().next(&machine.key()).await.unwrap() else { panic!("there is a job") };
    let machine: Machine = host.get(&machine.key()).await;

    let impatient = json!({"long-action/rounds": 1, "long-action/patience": 0});
    let error = host.act::<Value>("burnin", &machine, impatient).await.unwrap_err();
    assert!(error.code == 504 && error.to_string().contains("m1 did not become ready"), "{error}");
    let work = host.act::<Value>("burnin", &machine, json!({"long-action/rounds": 2}));
    let ready = async {
        // That of the first call, and that of this one.
        host.wait_for_log("waiting until m1 is ready").await;
        host.wait_for_log("waiting until m1 is ready").await;
        host.set_param(&machine, "long-action/ready", true).await;
    };
    let since = Instant::now();
    let (burned, ()) = tokio::join!(work, ready);
    assert_eq!(burned, Ok(json!({"rounds": 2})), "after {:?}", since.elapsed());
    let mut log = host.client().jobs().log(&Job::key(&job)).await.unwrap();
    let mut text = String::new();
    while let Some(piece) = log.next().await.unwrap() {
        text.push_str(&String::from_utf8_lossy(&piece));
    }
    let lines = "2 of 2: burning m1\n  memory: no errors in round 2\nwaiting until m1 is ready\n";
    assert!(text.ends_with(lines), "{text}");
    host.stop().await;
}
