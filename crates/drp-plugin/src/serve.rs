//! Requests of the host: config, action, publish and stop.

use std::{
    collections::BTreeSet,
    future::Future,
    panic::AssertUnwindSafe,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use drp_client::{Client, Config, EventStream};
use drp_core::{self as wire, Error as WireError, Event, Params, Selector, chain, contract};
use futures_util::FutureExt;
use http::{Method, Request, Response, StatusCode, request::Parts};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::sync::{Mutex, mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument, Span};

use crate::{
    Action, Context, Error, Provider, Result,
    action::{Call as ActionCall, Prepared, TargetLocks},
    configure::{Configured, PreparedConfiguration},
    context::{Call, CallJob},
    define,
    endpoint::own_path,
    event::{self, Change, Listener, Settling},
    exchange::{
        Refused, asked_level, check_content_type, cleaned, discard, done, log_token, moved, parse, read_body, respond,
        respond_with_error,
    },
    host::Host,
    listen::tell_of_panic,
    log::{Republish, open_scope},
    metrics::Metrics,
    redact::SecretsInUse,
    target::guess_model,
};

/// One running plugin.
pub(crate) struct Service<S> {
    pub(crate) provider: Arc<Provider<S>>,
    configured: ArcSwapOption<Configured<S>>,
    client: OnceLock<Client>,
    /// One configuration at a time, in the order of their arrival.
    configuring: Mutex<Option<Listener>>,
    targets: Arc<TargetLocks>,
    /// Names of all secure params that the provider declares, once somebody asks.
    secure: OnceLock<BTreeSet<String>>,
    pub(crate) metrics: Metrics,
    host: Option<Host>,
    last_config: AtomicU64,
    stopping: AtomicBool,
    /// Turns when calls that are still running have to end.
    pub(crate) cancelled: CancellationToken,
    /// Every call, whether or not its caller still waits.
    pub(crate) calls: TaskTracker,
    /// Somebody asked the plugin to stop.
    pub(crate) stop_asked: CancellationToken,
    /// The plugin has stopped.
    pub(crate) stopped: watch::Sender<bool>,
}

impl<S: Send + Sync + 'static> Service<S> {
    pub(crate) fn new(provider: Arc<Provider<S>>, host: Option<Host>) -> Self {
        Self {
            provider,
            configured: ArcSwapOption::empty(),
            client: OnceLock::new(),
            configuring: Mutex::new(None),
            targets: Arc::default(),
            secure: OnceLock::new(),
            metrics: Metrics::default(),
            host,
            last_config: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            cancelled: CancellationToken::new(),
            calls: TaskTracker::new(),
            stop_asked: CancellationToken::new(),
            stopped: watch::Sender::new(false),
        }
    }

    /// A plugin that talks to this server, and not to the one that the environment names.
    pub(crate) fn with_client(provider: Arc<Provider<S>>, host: Option<Host>, client: Client) -> Self {
        Self { client: OnceLock::from(client), ..Self::new(provider, host) }
    }

    /// Answers one request. Whatever goes wrong, there is an answer.
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let started = Instant::now();
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let path = uri.path();
        let own = own_path(path).filter(|_| cleaned(path).is_none()).map(str::to_owned);
        let republish = if path == contract::PUBLISH_PATH { Republish::Never } else { Republish::Yes };
        let log = open_scope(republish, asked_level(request.headers()));
        let answer = match own {
            Some(own) => Ok(self.serve_own(request, own).await),
            None => self.route(request, log.clone()).await.map(|body| respond(StatusCode::OK, body)),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(Refused::Moved(location)) => moved(&location),
            Err(Refused::With(error)) => respond_with_error(&error),
        };
        // The request may ask for this line.
        let (status, took) = (answer.status().as_u16(), started.elapsed());
        log.in_scope(|| tracing::debug!("API: st: {status} lt: {took:?} m: {method} {path}"));
        answer
    }

    async fn route(self: Arc<Self>, request: Request<Incoming>, span: Span) -> Result<Bytes, Refused> {
        let (head, body) = request.into_parts();
        if let Err(refused) = self.check(&head) {
            discard(body);
            return Err(refused);
        }
        let body = read_body(body).await?;
        span.in_scope(|| log_token(&head.headers));
        match head.uri.path() {
            contract::CONFIG_PATH => self.config(&body, span).await.map(|()| done()),
            contract::ACTION_PATH => self.action(body, span).await,
            contract::PUBLISH_PATH => self.publish(&body, span).await.map(|()| done()),
            _ => {
                self.stop().await;
                Ok(done())
            }
        }
    }

    /// What can be said of a request before its body has come.
    fn check(&self, head: &Parts) -> Result<(), Refused> {
        let path = head.uri.path();
        let known = match path {
            contract::CONFIG_PATH | contract::ACTION_PATH | contract::STOP_PATH => true,
            contract::PUBLISH_PATH => self.provider.publish.is_some(),
            _ => false,
        };
        if !known || head.method != Method::POST {
            if let Some(location) = cleaned(path) {
                return Err(Refused::Moved(location));
            }
            return Err(WireError::no_route(head.method.as_str(), path).into());
        }
        Ok(check_content_type(&head.headers)?)
    }

    async fn config(self: Arc<Self>, body: &[u8], log: Span) -> Result<(), Refused> {
        let params: Params = parse(body)?;
        let result = Arc::clone(&self).take_config(params, log).await;
        result.map_err(|error| self.error(error.in_configure()))
    }

    /// Takes a configuration in, whoever it comes from.
    pub(crate) async fn take_config(self: Arc<Self>, params: Params, log: Span) -> Result<()> {
        let ticket = self.last_config.fetch_add(1, Ordering::SeqCst) + 1;
        let (service, scope) = (Arc::clone(&self), log.clone());
        let configured = async move { service.configure(ticket, &params, scope).await };
        let doing = self.metrics.configs.begin();
        let result = self.contain("configure", configured.instrument(log)).await;
        doing.end(result.is_ok());
        result
    }

    /// One configuration after the other, and none that a later one has overtaken while it waited.
    async fn configure(self: Arc<Self>, ticket: u64, params: &Params, log: Span) -> Result<()> {
        let mut listener = self.configuring.lock().await;
        if ticket < self.last_config.load(Ordering::SeqCst) {
            return Err(Error::new(409, "overtaken by a later configuration"));
        }
        self.check_running()?;
        let plugin: Arc<str> = self.provider.plugin_name(params).into();
        let call = self.call(&plugin, log)?;
        let found = Arc::clone(&call.secrets);
        let PreparedConfiguration { run, secrets } = self.provider.configure.prepare(call, params)?;
        // The secrets are held until the error has been redacted, and then for as long as the state may be used.
        let state = end_in_time(run, &self.cancelled, None).await.map_err(Error::redacted)?;
        let selected = event::selected_by(&self.provider.rules, &state);
        let settling = self.listen(&mut listener, event::distinct(&selected)).await?;
        let configured = Configured { state, plugin: Arc::clone(&plugin), selected, _secrets: (secrets, found) };
        self.configured.store(Some(Arc::new(configured)));
        if let Some(Start { stream, changes }) = settling.start {
            self.calls.spawn(event::dispatch(Arc::clone(&self), stream, changes));
        }
        tracing::info!(plugin = &*plugin, "configured");
        Ok(())
    }

    /// Registers the selectors that a new state wants. The stream stays the same for the life of the process, so that
    /// no event falls between two configurations.
    async fn listen(&self, listener: &mut Option<Listener>, selectors: Vec<Selector>) -> Result<Registered> {
        let failed = |error| Error::from(error).context("unable to create event stream").with_code(500);
        if let Some(listener) = listener {
            let settling = listener.change(selectors).await.map_err(failed)?;
            return Ok(Registered { start: None, _settling: settling });
        }
        if selectors.is_empty() {
            return Ok(Registered { start: None, _settling: None });
        }
        let stream = self.client()?.events(selectors.clone()).await.map_err(failed)?;
        let (new, changes) = Listener::new(selectors);
        *listener = Some(new);
        Ok(Registered { start: Some(Start { stream, changes }), _settling: None })
    }

    async fn action(self: Arc<Self>, body: Bytes, log: Span) -> Result<Bytes, Refused> {
        let call = match self.read_at_once(&body) {
            Some(call) => call,
            None => parse::<wire::Action>(&body)?.into(),
        };
        // The action may take long, and need not hold what it came as.
        drop(body);
        Arc::clone(&self).take_action(call, log).await.map_err(|error| self.error(error))
    }

    /// Reads a request and its object in one pass, as what the action takes. Which action that is stands behind the
    /// object, as all known servers write it; a wrong guess costs the time it takes to see that it was one.
    ///
    /// `None` where anything is out of the ordinary: that is for reading step by step, which tells what is wrong.
    fn read_at_once(&self, body: &[u8]) -> Option<ActionCall> {
        let request = std::str::from_utf8(body).ok()?;
        let text_behind = |key| Some(request.rsplit_once(key)?.1.split_once('"')?.0);
        let (command, set) = (text_behind(r#""Command":""#)?, text_behind(r#""CommandSet":""#)?);
        let action = self.chosen(command, set).filter(|_| !set.is_empty())?;
        let call = action.handler.read(request)?;
        (call.action.command == command && call.action.command_set == set).then_some(call)
    }

    /// Carries an action out, whoever asks for it.
    pub(crate) async fn take_action(self: Arc<Self>, call: ActionCall, log: Span) -> Result<Bytes> {
        let what = format!("action `{}`", call.action.command);
        let (service, scope) = (Arc::clone(&self), log.clone());
        let acted = async move { service.act(call, scope).await };
        let doing = self.metrics.actions.begin();
        let result = self.contain(&what, acted.instrument(log)).await;
        doing.end(result.is_ok());
        result
    }

    async fn act(&self, mut call: ActionCall, log: Span) -> Result<Bytes> {
        self.check_running()?;
        let configured = self.configured()?;
        let action = self.choose(&call.action)?;
        let cancelled = self.cancelled.child_token();
        let deadline =
            action.time_limit.or(self.provider.action_time).and_then(|limit| Instant::now().checked_add(limit));
        let mut surroundings = self.call(&configured.plugin, log)?;
        surroundings.cancelled = cancelled.clone();
        surroundings.deadline = deadline;
        let job = Arc::new(CallJob::of(&mut call));
        surroundings.job = Arc::clone(&job);
        let found = Arc::clone(&surroundings.secrets);
        found.hold(self.other_secrets(action, &call.action.params));
        let alone_with = Arc::clone(&surroundings.alone_with);
        let context = Context::of_call(Arc::clone(&configured.state), surroundings);
        let Prepared { run, secrets, target } = action.handler.prepare(context, call)?;
        let alone = async {
            let _alone = match action.one_at_a_time {
                true => {
                    let (model, key) = alone_with.get_or_init(|| (action.handler.model().to_owned(), target));
                    Some(self.targets.lock(model, key).await)
                }
                false => None,
            };
            run.await
        };
        let result = end_in_time(alone, &cancelled, deadline).await;
        cancelled.cancel();
        job.close(JOB_LOG_TIME).await;
        // Whoever drops the secrets before would let them out with the error.
        let result = result.map_err(Error::redacted);
        drop((configured, secrets, found));
        result
    }

    /// The secrets among the params that an action's types do not tell of: it takes calls as they come.
    fn other_secrets(&self, action: &Action<S>, params: &Params) -> SecretsInUse {
        let declared = action.handler.declared().unwrap_or_default();
        let others = params.iter().filter(|(name, _)| !declared.iter().any(|param| param.name == **name));
        let mut others = others.peekable();
        if others.peek().is_none() {
            return SecretsInUse::default();
        }
        let secure = self.secure.get_or_init(|| define::secure_params(&self.provider));
        SecretsInUse::of(others.filter(|(name, _)| secure.contains(*name)).map(|(_, value)| value))
    }

    fn choose(&self, call: &wire::Action) -> Result<&Action<S>> {
        let (command, set) = (&call.command, &call.command_set);
        let unnamed = set.is_empty() && self.provider.find_action(command, set).is_empty();
        let guessed = if unnamed { guess_model(&call.model) } else { None };
        let chosen = self.chosen(command, guessed.as_ref().unwrap_or(set));
        // The line end is what Go providers answer and clients have been seen to compare.
        chosen.ok_or_else(|| Error::new(404, format!("Unknown command: {command}\n")))
    }

    /// The action of a command on objects of a type.
    fn chosen(&self, command: &str, model: &str) -> Option<&Action<S>> {
        match (self.provider.find_action(command, model).as_slice(), &self.provider.other_actions) {
            ([action], _) => Some(*action),
            ([], Some(others)) => Some(others),
            _ => None,
        }
    }

    async fn publish(self: Arc<Self>, body: &[u8], log: Span) -> Result<(), Refused> {
        let event: Event = parse(body)?;
        let (service, scope) = (Arc::clone(&self), log.clone());
        let handled = async move {
            service.check_running()?;
            let configured = service.configured()?;
            let Some(handler) = &service.provider.publish else { return Ok(()) };
            let call = service.call(&configured.plugin, scope)?;
            let _found = Arc::clone(&call.secrets);
            let handled = handler(Context::of_call(Arc::clone(&configured.state), call), event);
            end_in_time(handled, &service.cancelled, None).await.map_err(Error::redacted)
        };
        self.contain("publish", handled.instrument(log)).await.map_err(|error| self.error(error))
    }

    async fn stop(&self) {
        self.stop_asked.cancel();
        // The sender lives as long as the service, so waiting cannot fail.
        let _ = self.stopped.subscribe().wait_for(|stopped| *stopped).await;
    }

    /// From now on everything but stop is answered with 503.
    pub(crate) fn refuse_new_calls(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.calls.close();
    }

    pub(crate) async fn run_stop_hook(self: &Arc<Self>) {
        let log = open_scope(Republish::Yes, None);
        let (service, scope) = (Arc::clone(self), log.clone());
        let stopped = async move {
            let (Some(hook), Some(configured)) = (&service.provider.on_stop, service.configured.load_full()) else {
                return Ok(());
            };
            let call = service.call(&configured.plugin, scope)?;
            let _found = Arc::clone(&call.secrets);
            let stopped = hook(Context::of_call(Arc::clone(&configured.state), call));
            tell_of_panic(stopped).await.map_err(Error::redacted)
        };
        if let Err(error) = self.contain("the stop hook", stopped.instrument(log)).await {
            tracing::error!("the stop hook failed: {error}");
        }
    }

    /// Runs in a task of its own, so that a caller who hangs up does not end it half-way and a panic ends nothing else.
    pub(crate) async fn contain<T: Send + 'static>(
        &self,
        what: &str,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let what: Arc<str> = what.into();
        match self.calls.spawn(contain_panic(Arc::clone(&what), work)).await {
            Ok(result) => result,
            Err(_) => Err(Error::new(503, format!("{what} was cancelled: the plugin stopped"))),
        }
    }

    pub(crate) fn call(&self, plugin: &Arc<str>, log: Span) -> Result<Call> {
        Ok(Call {
            plugin: Arc::clone(plugin),
            client: self.client()?.clone(),
            log,
            cancelled: self.cancelled.clone(),
            deadline: None,
            host: self.host.clone(),
            job: Arc::default(),
            secrets: Arc::default(),
            locks: Arc::clone(&self.targets),
            alone_with: Arc::default(),
        })
    }

    fn client(&self) -> Result<&Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let config = Config::from_env().map_err(|error| Error::bad_request(chain(&error)))?;
        let client = Client::new(config).map_err(|error| Error::bad_request(chain(&error)))?;
        Ok(self.client.get_or_init(|| client))
    }

    pub(crate) fn configured(&self) -> Result<Arc<Configured<S>>> {
        self.configured.load_full().ok_or_else(|| Error::new(409, "the plugin has not been configured yet"))
    }

    /// Asked by calls that are tracked already, so that none can slip in behind the back of a stop.
    pub(crate) fn check_running(&self) -> Result<()> {
        if self.stopping.load(Ordering::SeqCst) {
            return Err(Error::new(503, "the plugin is stopping"));
        }
        Ok(())
    }

    fn error(&self, error: Error) -> Refused {
        Refused::With(error.into_wire(&self.provider.name))
    }
}

/// How long the result of an action waits for the last lines of its job's log.
const JOB_LOG_TIME: Duration = Duration::from_secs(2);

/// Selectors that the server has confirmed; their events come once the state is in place.
struct Registered {
    start: Option<Start>,
    _settling: Option<Settling>,
}

/// A new event stream.
struct Start {
    stream: EventStream,
    changes: mpsc::Receiver<Change>,
}

/// The result of a handler, unless it has to end before.
pub(crate) async fn end_in_time<T>(
    work: impl Future<Output = Result<T>>,
    cancelled: &CancellationToken,
    deadline: Option<Instant>,
) -> Result<T> {
    let too_late = async {
        match deadline {
            Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        result = tell_of_panic(work) => result,
        () = cancelled.cancelled() => Err(Error::new(503, "cancelled: the plugin is stopping")),
        () = too_late => Err(Error::new(504, "cancelled: the time limit of the action has passed")),
    }
}

/// A panic ends here: the caller gets a 500, the log has the reason from the panic hook, and everybody else goes on.
///
/// The reason is not repeated: whatever secrets it holds may be forgotten by now.
pub(crate) async fn contain_panic<T>(what: Arc<str>, work: impl Future<Output = Result<T>>) -> Result<T> {
    let work = AssertUnwindSafe(work).catch_unwind();
    work.await.unwrap_or_else(|_| Err(Error::new(500, format!("{what} panicked; the log says more"))))
}
