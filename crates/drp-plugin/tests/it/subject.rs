//! The provider under test. The test binary runs itself as this provider: see [`provider_process`].

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use drp_plugin::{Context, Error, Event, NoParams, Provider, Raw, Result, Secure, System};
use schemars::JsonSchema;
use serde::Deserialize;

/// Name of the test below, which is how the test binary is asked to be the provider.
pub(crate) const PROCESS_TEST: &str = "subject::provider_process";
pub(crate) const SOCKETS_ENV: &str = "DRPX_TEST_SOCKETS";
pub(crate) const PUBLISH_ENV: &str = "DRPX_TEST_PUBLISH";
pub(crate) const SELECTOR_ENV: &str = "DRPX_TEST_SELECTOR";

static HANDLED: AtomicU64 = AtomicU64::new(0);
static OUT_OF_ORDER: AtomicU64 = AtomicU64::new(0);

#[derive(Debug, Deserialize, JsonSchema)]
struct Config {
    #[serde(rename = "subject/token")]
    token: Secure<String>,
    #[serde(rename = "subject/limit")]
    limit: Option<u8>,
}

pub(crate) struct State {
    token: Secure<String>,
    limit: u8,
}

async fn configure(_context: Context<()>, config: Config) -> Result<State> {
    tracing::info!("config is {config:?}, its token {}", config.token.expose());
    match config.limit {
        Some(99) => Err(Error::new(403, "upstream refused")),
        Some(98) => Err(Error::remove_provider("no licence")),
        Some(97) => Err(Error::new(502, format!("the service refused token {}", config.token.expose()))),
        Some(96) => panic!("no use for token {}", config.token.expose()),
        Some(95) => {
            tracing::info!("configuring for ever");
            std::future::pending().await
        }
        Some(94) => {
            tokio::time::sleep(Duration::from_millis(500)).await;
            Ok(State { token: config.token, limit: 94 })
        }
        limit => Ok(State { token: config.token, limit: limit.unwrap_or(10) }),
    }
}

#[derive(Deserialize, JsonSchema)]
struct Echo {
    #[serde(rename = "subject/value")]
    value: Raw,
}

#[derive(Deserialize, JsonSchema)]
struct Fail {
    #[serde(rename = "subject/code")]
    code: u16,
    #[serde(rename = "subject/message")]
    message: String,
}

#[derive(Deserialize, JsonSchema)]
struct LogIn {
    #[serde(rename = "subject/password")]
    password: Secure<String>,
    #[serde(rename = "subject/panic", default)]
    panic: bool,
}

#[derive(Deserialize, JsonSchema)]
struct Count {
    #[serde(rename = "subject/count")]
    count: u64,
}

/// Handles one of many events slowly, and says where one comes out of order.
async fn on_flood(event: &Event) -> Result<()> {
    static LAST: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());
    let number: u64 = event.object.parse()?;
    tokio::time::sleep(Duration::from_millis(2)).await;
    if LAST.lock().unwrap().insert(event.key.clone(), number).is_some_and(|last| last >= number) {
        OUT_OF_ORDER.fetch_add(1, Ordering::SeqCst);
    }
    HANDLED.fetch_add(1, Ordering::SeqCst);
    Ok(())
}

async fn on_event(context: Context<State>, event: Event) -> Result<()> {
    if event.action == "flood" {
        return on_flood(&event).await;
    }
    tracing::info!("handling {}.{}.{}", event.type_, event.action, event.key);
    assert!(event.action != "panic", "asked to panic");
    if event.action == "fail" {
        return Err(Error::new(409, format!("asked to fail by {}", context.state().token.expose())));
    }
    HANDLED.fetch_add(1, Ordering::SeqCst);
    Ok(())
}

pub(crate) fn provider() -> Provider<State> {
    let provider = Provider::new("subject", "v1.0.0")
        .configure(configure)
        .drain_time(Duration::from_millis(1500))
        .action("echo", async |_: Context<State>, _: System, params: Echo| Ok(params.value))
        .action("limit", async |context: Context<State>, _: System, _: NoParams| Ok(context.state().limit))
        .action("panic", async |_: Context<State>, _: System, _: NoParams| -> Result<()> { panic!("asked to panic") })
        .action("fail", async |_: Context<State>, _: System, params: Fail| -> Result<()> {
            Err(Error::new(params.code, params.message))
        })
        .action("sleep", async |_: Context<State>, _: System, params: Count| {
            tracing::info!("sleeping");
            tokio::time::sleep(Duration::from_millis(params.count)).await;
            Ok("slept")
        })
        .action("block", async |_: Context<State>, _: System, params: Count| {
            std::thread::sleep(Duration::from_millis(params.count));
            Ok("blocked")
        })
        .action("log", async |_: Context<State>, _: System, params: Count| {
            (0..params.count).for_each(|n| tracing::info!("line {n}"));
            Ok(params.count)
        })
        .action("leak", async |context: Context<State>, _: System, _: NoParams| -> Result<()> {
            let token = context.state().token.expose();
            tracing::error!("token={token} and {:?}", std::env::var("RS_TOKEN"));
            Err(Error::new(502, format!("the service refused token {token}")))
        })
        .action("login", async |_: Context<State>, _: System, params: LogIn| -> Result<()> {
            let password = params.password.expose();
            assert!(!params.panic, "no use for {password}");
            Err(Error::new(502, format!("the service refused {password}")))
        })
        .action("early", |_: Context<State>, _: System, _: NoParams| -> std::future::Ready<Result<()>> {
            panic!("before there is a future")
        })
        .action("publish", async |context: Context<State>, _: System, _: NoParams| {
            context.publish("subjects", "told", "a/b", &context.plugin_name()).await
        })
        .action("list", async |context: Context<State>, _: System, _: NoParams| {
            Ok(context.list_objects("cows").await?.len())
        })
        .action("leave", async |context: Context<State>, _: System, params: Fail| {
            let reason = Error::new(params.code, params.message);
            context.leave(if params.code == 403 { Error::remove_provider("no licence") } else { reason }).await
        })
        .action("handled", async |_: Context<State>, _: System, _: NoParams| Ok(HANDLED.load(Ordering::SeqCst)))
        .action("out-of-order", async |_: Context<State>, _: System, _: NoParams| {
            Ok(OUT_OF_ORDER.load(Ordering::SeqCst))
        })
        .on_stop(async |_: Context<State>| {
            tracing::info!("the stop hook ran");
            Ok(())
        });
    if std::env::var(PUBLISH_ENV).is_ok() {
        return provider.publish(on_event);
    }
    match std::env::var(SELECTOR_ENV) {
        Ok(selectors) => selectors.split(' ').fold(provider, |provider, selector| provider.event(selector, on_event)),
        Err(_) => provider,
    }
}

/// Not a test of its own: with the variable set, this process is the provider and never comes back.
#[test]
#[allow(clippy::exit, reason = "the process is the provider's")]
fn provider_process() {
    let Ok(sockets) = std::env::var(SOCKETS_ENV) else { return };
    let args = ["listen"].into_iter().chain(sockets.split(' ')).map(str::to_owned);
    let code = provider().run_with(args);
    std::process::exit(i32::from(format!("{code:?}") != format!("{:?}", std::process::ExitCode::SUCCESS)));
}
