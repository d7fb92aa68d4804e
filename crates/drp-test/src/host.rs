//! A host with one provider under it.

use std::{ffi::OsString, net::Ipv4Addr, path::Path, sync::Arc, time::Duration};

use drp_client::{Client, Config, Credentials, StreamItem, TlsPolicy};
use drp_core::{Event, Line, PluginProvider, Selector, chain, contract};
use drp_host::{Host, HostConfig, Launch, Times};
use drp_plugin::{Listen, Provider};
use tempfile::TempDir;
use tokio_util::task::AbortOnDropHandle;

use crate::{proxy::Proxy, record::Record, stand_in};

/// How long a test waits for anything, unless it says otherwise.
const PATIENCE: Duration = Duration::from_secs(20);

/// Everything that went wrong while a test was set up ends the test.
type Setup<T> = Result<T, Box<dyn std::error::Error>>;

/// The real host with one provider and one plugin of the provider's name. See the [crate](crate) for an example.
///
/// End it with [`stop`](Self::stop). One that is just dropped, as by a test that fails, ends at once with all it has
/// started.
#[derive(Debug)]
pub struct TestHost {
    pub(crate) patience: Duration,
    pub(crate) logs: Arc<Record<Arc<Line>>>,
    pub(crate) events: Arc<Record<Event>>,
    provider: PluginProvider,
    client: Client,
    proxy: Proxy,
    ends: Arc<Record<String>>,
    recorders: [AbortOnDropHandle<()>; 2],
    host: Host,
    /// Removed last.
    data: TempDir,
}

/// How a provider has ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stopped {
    /// Why the provider broke off, if it did not end in good order. Of an executable only the host's log tells.
    pub error: Option<String>,
    /// The whole log, oldest line first: the host's lines and the provider's.
    pub log: Vec<Arc<Line>>,
}

impl Stopped {
    /// Whether a line of the log contains the text.
    #[must_use]
    pub fn logged(&self, text: &str) -> bool {
        self.log.iter().any(|line| line.message.contains(text))
    }
}

impl TestHost {
    /// Starts a host and runs the provider under it, inside of this process. [`configure`](Self::configure) it next,
    /// unless it starts by itself.
    ///
    /// # Panics
    /// The host does not start, or refuses the provider; the text says why.
    pub async fn start<S: Send + Sync + 'static>(provider: Provider<S>) -> Self {
        let started = async {
            let mut kit = Self::start_host().await?;
            let stand_in = stand_in::write(&provider, kit.data.path()).await?;
            kit.attach(provider);
            kit.load(&stand_in).await?;
            Ok(kit)
        };
        or_panic(started.await)
    }

    /// Starts a host and runs an executable under it, whatever it is written with.
    ///
    /// # Panics
    /// The host does not start, or refuses the provider; the text says why.
    pub async fn start_executable(executable: impl AsRef<Path>) -> Self {
        let started = async {
            let mut kit = Self::start_host().await?;
            kit.load(executable.as_ref()).await?;
            Ok(kit)
        };
        or_panic(started.await)
    }

    /// The same with another time for everything that it waits for; 20 seconds unless set.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    async fn start_host() -> Setup<Self> {
        let data = tempfile::tempdir()?;
        let proxy = Proxy::start().await?;
        let config = HostConfig {
            data: data.path().join("host"),
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            advertised: Some(proxy.url()),
            // A test that makes a plugin crash does not want to wait for the next one.
            times: Times { restart_wait_min: Duration::from_millis(50), ..Times::default() },
            ..HostConfig::default()
        };
        let host = Host::start(config).await?;
        let address = host.endpoint().trim_start_matches("https://").parse()?;
        proxy.lead_to(address);
        let mut server = Config::new(host.endpoint(), Credentials::Token(host.admin_token().into()));
        server.tls = TlsPolicy::CaFile(host.ca_file().to_owned());
        let client = Client::new(server)?;
        let (logs, events) = (Arc::default(), Arc::default());
        let recorders = [record_log(&host, &logs), record_events(&client, &events).await?];
        let (provider, ends) = (PluginProvider::default(), Arc::default());
        Ok(Self { patience: PATIENCE, logs, events, provider, client, proxy, ends, recorders, host, data })
    }

    /// The host has the plugins of the provider served here.
    fn attach<S: Send + Sync + 'static>(&self, provider: Provider<S>) {
        let (ends, name) = (Arc::clone(&self.ends), provider.name().to_owned());
        let provider = Arc::new(provider);
        self.host.attach(&name, move |launch| {
            let (provider, ends) = (Arc::clone(&provider), Arc::clone(&ends));
            async move {
                let server = server_of(&launch);
                let ended = provider.listen_on(Listen::new(&launch.to_plugin, &launch.from_plugin, server)).await;
                let error = ended.err().map(|error| chain(&error)).unwrap_or_default();
                ends.push(error.clone());
                if error.is_empty() { "it ended by itself".to_owned() } else { error }
            }
        });
    }

    async fn load(&mut self, executable: &Path) -> Setup<()> {
        self.provider = self.host.import(executable).await?;
        Ok(())
    }

    /// The provider's definition, as the host has taken it in.
    #[must_use]
    pub fn provider(&self) -> &PluginProvider {
        &self.provider
    }

    /// Name of the plugin: the provider's.
    #[must_use]
    pub fn plugin_name(&self) -> &str {
        &self.provider.name
    }

    /// A client of the host with all rights, for whatever this kit has no method for.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What a program finds in its environment that talks to this host with all rights, such as a command of the
    /// provider's own: `RS_ENDPOINT`, `RS_TOKEN` and `RS_CA_FILE`.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, OsString); 3] {
        [
            (contract::ENDPOINT_ENV, self.host.endpoint().into()),
            (contract::TOKEN_ENV, self.host.admin_token().into()),
            (contract::CA_FILE_ENV, self.host.ca_file().into()),
        ]
    }

    /// Where the host has what the provider has unpacked.
    #[must_use]
    pub fn unpacked(&self) -> std::path::PathBuf {
        self.data.path().join("host/tftpboot/files/plugin_providers").join(self.plugin_name())
    }

    /// Cuts the provider off from the API and its events: all its connections end, and no new one is let through until
    /// [`restore_api`](Self::restore_api). Its two sockets stay.
    pub fn cut_api(&self) {
        self.proxy.cut();
    }

    /// Lets the provider through to the API again.
    pub fn restore_api(&self) {
        self.proxy.restore();
    }

    /// Ends the provider's connections to the API once, as a server does that is restarted.
    pub fn drop_connections(&self) {
        self.proxy.drop_connections();
    }

    /// Stops the provider in good order, and then the host, and tells how the provider ended.
    pub async fn stop(self) -> Stopped {
        self.host.stop().await;
        let [log, _] = self.recorders;
        // The log ends with the host.
        let _ = tokio::time::timeout(self.patience, log).await;
        let error = self.ends.all().pop().filter(|error| !error.is_empty());
        Stopped { error, log: self.logs.all() }
    }
}

fn or_panic(started: Setup<TestHost>) -> TestHost {
    started.unwrap_or_else(|error| panic!("cannot start a host with the provider: {}", chain(error.as_ref())))
}

/// How a plugin reaches its server, by the variables that a process finds in its environment.
fn server_of(launch: &Launch) -> Config {
    let var = |name| launch.env.get(name).cloned().unwrap_or_default();
    let text = |value: OsString| value.to_string_lossy().into_owned();
    let token = Credentials::Token(text(var(contract::TOKEN_ENV)).into());
    let mut server = Config::new(text(var(contract::ENDPOINT_ENV)), token);
    server.tls = TlsPolicy::CaFile(var(contract::CA_FILE_ENV).into());
    server
}

fn record_log(host: &Host, logs: &Arc<Record<Arc<Line>>>) -> AbortOnDropHandle<()> {
    let (mut lines, logs) = (host.log_lines(), Arc::clone(logs));
    AbortOnDropHandle::new(tokio::spawn(async move {
        while let Some(line) = lines.next().await {
            logs.push(line);
        }
    }))
}

async fn record_events(client: &Client, events: &Arc<Record<Event>>) -> Setup<AbortOnDropHandle<()>> {
    let mut stream = client.events(vec!["*.*.*".parse::<Selector>()?]).await?;
    let events = Arc::clone(events);
    Ok(AbortOnDropHandle::new(tokio::spawn(async move {
        while let Some(item) = stream.next().await {
            match item {
                StreamItem::Event(event) if event.type_ != "log" => events.push(event),
                StreamItem::Lagged(count) => events.lose(count),
                _ => {}
            }
        }
    })))
}
