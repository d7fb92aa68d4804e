//! The whole repertoire at once, and whether all of it is tested.

use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use serde_json::json;

use crate::rig::{Client, Rig, SHORT, help};

/// Actions of the good plugin that are measured, quiet and beside the rude ones.
const ACTIONS: usize = 300;

/// The modes that `--help` lists.
fn modes() -> Vec<String> {
    let help = help();
    let listed = help.split("Modes:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    listed.lines().map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

#[test]
fn every_mode_has_its_test() {
    let tests = [
        include_str!("actions.rs"),
        include_str!("callbacks.rs"),
        include_str!("config.rs"),
        include_str!("define.rs"),
        include_str!("listen.rs"),
        include_str!("publish.rs"),
        include_str!("service.rs"),
        include_str!("stop.rs"),
        include_str!("unpack.rs"),
    ];
    let modes = modes();
    assert!(modes.len() >= 30, "{} modes", modes.len());
    for mode in modes {
        assert!(tests.iter().any(|text| text.contains(&format!("\"{mode}\""))), "{mode} has no test");
    }
}

/// All modes run beside a good plugin, whose actions all succeed. How long they take is printed and decides nothing:
/// `cargo run --release -p bench -- rude` measures it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_plugin_is_served_beside_all_of_them() {
    let rig = Rig::start_with(|times| {
        for limit in [&mut times.define, &mut times.unpack, &mut times.ready, &mut times.config, &mut times.stop] {
            *limit = SHORT * 2;
        }
        times.publish = SHORT;
        times.restart_wait_min = Duration::from_secs(1);
        times.restart_wait_max = Duration::from_secs(60);
    })
    .await;
    let quiet = median_of_actions(&rig).await;
    let running = modes().into_iter().map(|mode| run(&rig, mode));
    let ((), beside) =
        tokio::join!(async { drop(futures_util::future::join_all(running).await) }, median_of_actions(&rig));
    let settled = median_of_actions(&rig).await;
    let ratio = |time: Duration| time.as_secs_f64() / quiet.as_secs_f64();
    println!(
        "median action: quiet {quiet:?}, while all start {beside:?} ({:.1}), while all run {settled:?} ({:.1})",
        ratio(beside),
        ratio(settled)
    );
    rig.end().await;
}

/// Imports a mode if that can be, and makes a plugin of it.
async fn run(rig: &Rig, mode: String) {
    if rig.load(&mode).await.is_ok() {
        let plugin = json!({ "Name": mode, "Provider": format!("rude-{mode}") }).to_string();
        assert_eq!(rig.peer.call("POST", "/plugins", &plugin).await.status, StatusCode::CREATED);
    }
}

async fn median_of_actions(rig: &Rig) -> Duration {
    let mut client = Client::new(&rig.peer).await;
    let mut times = Vec::with_capacity(ACTIONS);
    for _ in 0..ACTIONS {
        let start = Instant::now();
        let (status, body) = client.call(Method::POST, "/system/actions/ping?plugin=good", "{}").await;
        times.push(start.elapsed());
        assert_eq!((status, &*body), (StatusCode::OK, &b"\"pong\""[..]));
    }
    times.sort_unstable();
    times[times.len() / 2]
}
