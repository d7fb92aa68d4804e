//! The whole way, over the real wire: host, sockets, process, client.

use std::{path::Path, time::Duration};

use drp_client::{Client, Config, Credentials, EventStream, StreamItem, TlsPolicy};
use drp_core::{Event, Machine, Model, Params, Plugin, Raw};
use drp_host::{Host, HostConfig};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

const PATIENCE: Duration = Duration::from_secs(30);

/// A client with all rights.
pub(crate) fn client(host: &Host) -> Client {
    let mut config = Config::new(host.endpoint(), Credentials::Token(host.admin_token().into()));
    config.tls = TlsPolicy::CaFile(host.ca_file().to_owned());
    Client::new(config).unwrap()
}

/// A host with the plugin `incr` configured, and a machine.
struct House {
    _data: TempDir,
    host: Host,
    client: Client,
    events: EventStream,
    machine: Machine,
}

impl House {
    async fn build() -> Self {
        let data = tempfile::tempdir().unwrap();
        let config =
            HostConfig { data: data.path().to_owned(), listen: ([127, 0, 0, 1], 0).into(), ..HostConfig::default() };
        let host = Host::start(config).await.unwrap();
        let client = client(&host);
        let mut events = client.events(vec!["*.*.*".parse().unwrap()]).await.unwrap();
        let provider = host.import(Path::new(env!("CARGO_BIN_EXE_incrementer"))).await.unwrap();
        assert_eq!(provider.name, "incrementer");
        let plugin = Plugin { name: "incr".into(), provider: "incrementer".into(), ..Plugin::default() };
        client.objects::<Plugin>().create(&plugin).await.unwrap();
        wait_for(&mut events, "plugins.configed.incr").await;
        let machine = client.raw_objects("machines").create(&json!({"Name": "demo"})).await.unwrap().typed().unwrap();
        Self { _data: data, host, client, events, machine }
    }

    async fn increment(&self) -> Raw {
        let params = Params::default();
        self.client.objects::<Machine>().run_action(&self.machine.key(), "increment", &params).await.unwrap()
    }

    async fn param(&self, name: &str) -> Option<i64> {
        self.client.objects::<Machine>().params(&self.machine.key()).get(name).await.unwrap()
    }
}

/// Reads events until one of this subject comes.
async fn wait_for(events: &mut EventStream, subject: &str) -> Event {
    let wanted: drp_core::Selector = subject.parse().unwrap();
    let search = async {
        loop {
            match events.next().await {
                Some(StreamItem::Event(event)) if wanted.matches(&event) => return event,
                Some(StreamItem::Event(_)) => {}
                other => panic!("{other:?} while waiting for {subject}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, search).await.unwrap_or_else(|_| panic!("no event {subject}"))
}

async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut check: impl FnMut() -> F) -> T {
    let search = async {
        loop {
            if let Some(value) = check().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, search).await.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// The process of a plugin, found by its socket among the arguments of all processes of this user.
fn process_of(plugin_dir: &Path) -> Option<Pid> {
    let dir = plugin_dir.to_str().unwrap();
    let processes =
        std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    let mut numbers = processes.filter_map(|name| name.parse::<i32>().ok());
    numbers.find_map(|number| {
        let args = std::fs::read(format!("/proc/{number}/cmdline")).ok()?;
        let env = std::fs::read(format!("/proc/{number}/environ")).ok()?;
        let listens = String::from_utf8_lossy(&args).contains("\0listen\0");
        let ours = String::from_utf8_lossy(&env).contains(&format!("RS_WEBROOT={dir}"));
        (listens && ours).then(|| Pid::from_raw(number)).flatten()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_goes_through_its_whole_life() {
    let mut house = House::build().await;
    assert_eq!(house.increment().await.get(), "1");
    assert_eq!(house.increment().await.get(), "2");
    let key = house.machine.key();
    let action = wait_for(&mut house.events, &format!("machines.increment.{key}")).await;
    assert_eq!(action.object.parse::<drp_core::Action>().unwrap().command_set, "machines");
    let change = wait_for(&mut house.events, &format!("machines.update.{key}")).await;
    assert!(!change.original.is_null());
    assert_eq!(change.principal, "plugin:incr");
    wait_for(&mut house.events, "log.info.incrementer").await;

    let status = house.client.run_system_action("incrstatus", &Params::default()).await.unwrap();
    assert_eq!(status.get(), r#""Running""#);
    let reset = house.client.objects::<Machine>().run_action(&key, "reset_count", &Params::default()).await.unwrap();
    assert_eq!(reset.get(), r#""Success""#);
    assert_eq!(house.param("incrementer/touched").await, None);

    let cow = house.client.raw_objects("typed-cows").get("bessie").await.unwrap();
    assert_eq!((cow.get::<bool>("Spotted"), cow.text("Bundle")), (Some(true), "incrementer".to_owned()));
    let file = house._data.path().join("tftpboot/files/plugin_providers/incrementer/testFile");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "ImaFile");

    let process = process_of(house._data.path()).unwrap();
    house.host.stop().await;
    assert!(test_kill_process(process).is_err(), "the plugin outlives its host");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_increment_is_lost_among_64_at_once() {
    const AT_ONCE: usize = 64;
    const IN_ALL: usize = 1000;
    let house = std::sync::Arc::new(House::build().await);
    let mut tasks = JoinSet::new();
    for started in 0..IN_ALL {
        let house = std::sync::Arc::clone(&house);
        tasks.spawn(async move { house.increment().await });
        if started >= AT_ONCE {
            tasks.join_next().await.unwrap().unwrap();
        }
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(house.param("incrementer/default").await, Some(1000));
    assert_eq!(house.param("incrementer/touched").await, Some(1000));
    house.host.stop().await;
}

/// `#4`.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_plugin_is_noticed_and_started_again() {
    let mut house = House::build().await;
    house.increment().await;
    let process = process_of(house._data.path()).unwrap();
    kill_process(process, Signal::KILL).unwrap();
    let errors = eventually("the plugin's errors", || async {
        let plugin: Plugin = house.client.objects().get("incr").await.unwrap();
        (!plugin.plugin_errors.is_empty()).then_some(plugin.plugin_errors)
    });
    let errors = errors.await;
    assert!(errors[0].starts_with("Plugin exited: "), "{errors:?}");
    wait_for(&mut house.events, "plugins.configed.incr").await;
    assert_eq!(house.increment().await.get(), "2");
    assert_ne!(process_of(house._data.path()), Some(process));
    house.host.stop().await;
}

/// `#27`.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_of_a_plugin_is_in_no_file_log_line_or_event() {
    const SECRET: &str = "opensesame-4711-in-the-clear";
    let mut house = House::build().await;
    house.client.raw_objects("params").create(&json!({"Name": "demo/secret", "Secure": true})).await.unwrap();
    let plugin = json!({"Name": "second", "Provider": "incrementer", "Params": {"demo/secret": SECRET}});
    house.client.raw_objects("plugins").create(&plugin).await.unwrap();
    let configured = wait_for(&mut house.events, "plugins.configed.second").await;
    assert!(configured.object.get().contains("Payload") && !configured.object.get().contains(SECRET));
    let opened = house.client.objects::<Plugin>().params("second").decode().get::<String>("demo/secret").await.unwrap();
    assert_eq!(opened.as_deref(), Some(SECRET));

    let lines: Vec<drp_core::Line> = house.client.send(log_request()).await.unwrap();
    assert!(lines.iter().all(|line| !line.message.contains(SECRET)));
    house.host.stop().await;
    let mut files = 0;
    for_each_file(house._data.path(), &mut |path, contents| {
        let found = contents.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
        assert!(!found, "the secret is in `{}`", path.display());
        files += 1;
    });
    assert!(files > 5);
}

fn log_request() -> drp_client::Request {
    drp_client::Request::list("logs").unwrap()
}

fn for_each_file(directory: &Path, look: &mut impl FnMut(&Path, &[u8])) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            for_each_file(&path, look);
        } else if path.is_file() {
            look(&path, &std::fs::read(&path).unwrap());
        }
    }
}
