//! The server killed at any moment: nothing acknowledged is lost, nothing is there by halves, what was cut short is in
//! nobody's way, and plugins come back.

mod writers;

use std::{
    hash::{BuildHasher, RandomState},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use drp_client::{Client, Config, Credentials, TlsPolicy};
use drp_core::{Machine, Params, Plugin};
use rustix::process::{Pid, Signal};
use serde_json::json;

use self::writers::Told;
pub(crate) use self::writers::{Uploader, create_machines};
use crate::process::{PATIENCE, Server, USER, eventually, incrementer, rude_provider};

/// Rounds in the ordinary tests; others with this variable set.
const ROUNDS: u32 = 20;
const ROUNDS_ENV: &str = "DRPX_TEST_KILL_ROUNDS";
/// The kill comes within this time of the beginning of the writing.
const WRITING_MS: u64 = 400;
/// How long a plugin may outlive its server.
const ORPHAN_TIME: Duration = Duration::from_secs(10);

pub(crate) fn client(server: &Server) -> Client {
    let (name, password) = USER.split_once(':').unwrap();
    client_as(server, Credentials::UserPassword(name.into(), password.into()))
}

pub(crate) fn client_as(server: &Server, credentials: Credentials) -> Client {
    let mut config = Config::new(&server.endpoint, credentials);
    config.tls = TlsPolicy::CaFile(server.ca_file.clone());
    Client::new(config).unwrap()
}

/// A token of the administrator, which is good for every server on the same data.
pub(crate) async fn token(server: &Server) -> String {
    let name = USER.split(':').next().unwrap();
    let request = drp_client::Request::get("users", &format!("{name}/token")).unwrap();
    let answer: serde_json::Value = client(server).send(request).await.unwrap();
    answer["Token"].as_str().unwrap().to_owned()
}

pub(crate) async fn create_plugin_and_machine(client: &Client) {
    let plugin = Plugin { name: "incr".into(), provider: "incrementer".into(), ..Plugin::default() };
    client.objects::<Plugin>().create(&plugin).await.unwrap();
    client.raw_objects("machines").create(&json!({"Name": "demo"})).await.unwrap();
}

pub(crate) async fn wait_until_plugin_works(client: &Client) {
    let started = Instant::now();
    while let Err(error) = client.objects::<Machine>().run_action("Name:demo", "increment", &Params::default()).await {
        assert!(started.elapsed() < PATIENCE, "the plugin does not work: {}", error.chain());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
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

/// One that knows nothing of its parent, as Go providers do: theirs would log without end that they cannot log.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_does_not_look_after_itself_ends_with_its_killed_server() {
    let data = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(data.path().join("plugins")).unwrap();
    std::os::unix::fs::symlink(rude_provider(), data.path().join("plugins/rude-auto")).unwrap();
    let server = Server::start(data.path());
    eventually(PATIENCE, "the plugin runs", || (!plugins_of(data.path()).is_empty()).then_some(()));
    server.signal(Signal::KILL);
    eventually(ORPHAN_TIME, "the plugin ends", || plugins_of(data.path()).is_empty().then_some(()));
}

/// `#39`.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_nothing_and_its_plugins_end_and_come_back() {
    let data = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(data.path().join("plugins")).unwrap();
    std::fs::copy(incrementer(), data.path().join("plugins/incrementer")).unwrap();
    let rounds = std::env::var(ROUNDS_ENV).map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let told = Arc::new(Told::default());

    let mut server = Server::start(data.path());
    create_plugin_and_machine(&client(&server)).await;
    let token = token(&server).await;
    let connect =
        |server: &Server| (client_as(server, Credentials::Token(token.as_str().into())), Uploader::new(server, &token));
    writers::begin_content(&connect(&server).1).await;
    let mut slowest = Duration::ZERO;
    for round in 0..rounds {
        let (client, uploader) = connect(&server);
        wait_until_plugin_works(&client).await;
        let job = writers::begin_job(&client, round).await;
        let writing = writers::start(&client, &uploader, round, &job, &told);
        // A moment that differs from round to round; there is nothing to wait for.
        tokio::time::sleep(Duration::from_millis(RandomState::new().hash_one(round) % WRITING_MS)).await;
        server.signal(Signal::KILL);
        server.child.wait().unwrap();
        for writer in writing {
            writer.await.unwrap();
        }
        // The plugins of the dead one may live on for a while, and must not disturb the next.
        let started = Instant::now();
        server = Server::start(data.path());
        slowest = slowest.max(started.elapsed());
        let (client, uploader) = connect(&server);
        told.check(&client, &uploader, &job, data.path()).await;
    }
    wait_until_plugin_works(&connect(&server).0).await;
    assert!(!plugins_of(data.path()).is_empty());
    server.signal(Signal::KILL);
    server.child.wait().unwrap();
    eventually(ORPHAN_TIME, "all plugins end", || plugins_of(data.path()).is_empty().then_some(()));
    told.require_some_of_each();
    println!("{rounds} kills, nothing lost of {told}; slowest start {slowest:?}");
}
