//! The server killed at any moment: nothing acknowledged is lost, and no plugin outlives it.

use std::{collections::BTreeSet, path::Path, sync::Arc, sync::Mutex, time::Duration};

use drp_client::{Client, Config, Credentials, TlsPolicy};
use drp_core::{Machine, Model, Params, Plugin};
use rustix::process::{Pid, Signal, test_kill_process};
use serde_json::json;

use crate::process::{PATIENCE, Server, USER, eventually, incrementer};

/// Rounds in the ordinary tests; more with this variable set.
const ROUNDS: u32 = 3;
const ROUNDS_ENV: &str = "DRPX_TEST_KILL_ROUNDS";
/// How long a plugin may outlive its server.
const ORPHAN_TIME: Duration = Duration::from_secs(10);

pub(crate) fn client(server: &Server) -> Client {
    let (name, password) = USER.split_once(':').unwrap();
    let mut config = Config::new(&server.endpoint, Credentials::UserPassword(name.into(), password.into()));
    config.tls = TlsPolicy::CaFile(server.ca_file.clone());
    Client::new(config).unwrap()
}

pub(crate) async fn create_plugin_and_machine(client: &Client) {
    let plugin = Plugin { name: "incr".into(), provider: "incrementer".into(), ..Plugin::default() };
    client.create(&plugin).await.unwrap();
    client.objects("machines").create(&json!({"Name": "demo"})).await.unwrap();
}

/// The processes that listen as plugins of a server on this data.
fn plugins_of(data: &Path) -> Vec<Pid> {
    let sign = format!("RS_CA_FILE={}", data.join("tls/ca.pem").display());
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let numbers = processes.filter_map(|name| name.parse::<i32>().ok());
    let listens = |number: &i32| {
        let read = |file: &str| std::fs::read(format!("/proc/{number}/{file}")).unwrap_or_default();
        let (args, env) = (read("cmdline"), read("environ"));
        String::from_utf8_lossy(&args).contains("\0listen\0") && String::from_utf8_lossy(&env).contains(&sign)
    };
    numbers.filter(listens).filter_map(Pid::from_raw).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_nothing_and_its_plugins_end() {
    let data = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(data.path().join("plugins")).unwrap();
    std::fs::copy(incrementer(), data.path().join("plugins/incrementer")).unwrap();
    let rounds = std::env::var(ROUNDS_ENV).map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let acknowledged: Arc<Mutex<BTreeSet<String>>> = Arc::default();

    let mut server = Server::start(data.path());
    create_plugin_and_machine(&client(&server)).await;
    for round in 0..rounds {
        wait_until_plugin_works(&client(&server)).await;
        let plugins = plugins_of(data.path());
        assert!(!plugins.is_empty());
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                tokio::spawn(write(client(&server), format!("r{round}-w{writer}"), Arc::clone(&acknowledged)))
            })
            .collect();
        // A moment that differs from round to round; there is nothing to wait for.
        tokio::time::sleep(Duration::from_millis(50 + u64::from(round * 37 % 200))).await;
        server.signal(Signal::KILL);
        server.child.wait().unwrap();
        for writer in writers {
            writer.await.unwrap();
        }
        eventually(ORPHAN_TIME, "the plugins end", || {
            plugins.iter().all(|pid| test_kill_process(*pid).is_err()).then_some(())
        });

        server = Server::start(data.path());
        let client = client(&server);
        let found: BTreeSet<String> =
            client.list::<Machine>().await.unwrap().into_iter().map(|machine| machine.name).collect();
        let lost: Vec<String> = acknowledged.lock().unwrap().difference(&found).cloned().collect();
        assert!(lost.is_empty(), "round {round}: {lost:?}");
    }
    let written = acknowledged.lock().unwrap().len();
    assert!(written > 0);
    println!("{rounds} kills, {written} acknowledged machines, none lost");
}

pub(crate) async fn wait_until_plugin_works(client: &Client) {
    let works = async {
        while client.run_action(Machine::PREFIX, "Name:demo", "increment", &Params::default()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, works).await.expect("the plugin works");
}

/// Creates machines until the server is gone, and notes each that was acknowledged.
pub(crate) async fn write(client: Client, prefix: String, acknowledged: Arc<Mutex<BTreeSet<String>>>) {
    let client = client.with_request_time(Duration::from_secs(2));
    for n in 0_u64.. {
        let name = format!("{prefix}-{n}.example.com");
        if client.objects("machines").create(&json!({"Name": name})).await.is_err() {
            return;
        }
        acknowledged.lock().unwrap().insert(name);
    }
}
