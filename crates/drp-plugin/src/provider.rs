//! The provider: everything an author says, in one value.

use std::{
    ffi::OsString,
    fmt,
    future::{Future, ready},
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use drp_content::Metadata;
use drp_core::{AvailableAction, Event, ObjectType, Params, PluginProvider, Raw, RawModel, limits, names};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Action, ActionCall, Content, Context, DefineError, EmbeddedFile, EndpointRequest, EndpointResponse, EventLimits,
    Listen, ListenError, Missed, NoParams, On, Result, Target,
    command::{self, Subcommand},
    configure::{Configure, TypedConfigure},
    define,
    endpoint::EndpointHandler,
    event::Rule,
    handler::{EventHandler, ReconcileHandler, StopHandler, ValidateHandler},
    listen,
    schema::{self, DeclaredParam},
    unpack::{self, File, UnpackError},
};

/// A plugin provider, put together from typed handlers.
///
/// Start with [`Provider::new`], say how to [`configure`](Self::configure) it first if it has a configuration or
/// state, add what it does, and [`run`](Self::run) it. Mistakes in what is put together are reported all at once by
/// [`definition`](Self::definition), and so by the `define` command.
pub struct Provider<S = ()> {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) documentation: String,
    pub(crate) meta: Metadata,
    pub(crate) content: Option<Content>,
    pub(crate) auto_start: bool,
    pub(crate) configure: Box<dyn Configure<S>>,
    pub(crate) actions: Vec<Action<S>>,
    pub(crate) other_actions: Option<Action<S>>,
    pub(crate) validate: Option<ValidateHandler>,
    pub(crate) subcommands: Vec<Subcommand<S>>,
    pub(crate) rules: Vec<Rule<S>>,
    pub(crate) event_limits: EventLimits,
    pub(crate) reconcile: Option<ReconcileHandler<S>>,
    pub(crate) endpoint: Option<EndpointHandler<S>>,
    pub(crate) publish: Option<EventHandler<S>>,
    pub(crate) on_stop: Option<StopHandler<S>>,
    pub(crate) params: Vec<DeclaredParam>,
    pub(crate) object_types: Vec<(String, serde_json::Value)>,
    pub(crate) objects: Vec<(String, String, RawModel)>,
    pub(crate) files: Vec<File>,
    pub(crate) action_time: Option<Duration>,
    pub(crate) drain_time: Duration,
    /// What the author did wrong so far.
    pub(crate) mistakes: Vec<String>,
}

impl Provider<()> {
    /// A provider that does nothing yet. Its executable must have the same name; the version is semantic.
    #[must_use]
    pub fn new(name: &str, version: &str) -> Self {
        let mut mistakes = Vec::new();
        if !names::is_name(name) {
            mistakes.push(names::complaint("Invalid Name", name));
        }
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            documentation: String::new(),
            meta: Metadata::default(),
            content: None,
            auto_start: false,
            configure: Box::new(TypedConfigure::new(|_: Context<()>, NoParams {}| ready(Ok(())))),
            actions: Vec::new(),
            other_actions: None,
            validate: None,
            subcommands: Vec::new(),
            rules: Vec::new(),
            event_limits: EventLimits::default(),
            reconcile: None,
            endpoint: None,
            publish: None,
            on_stop: None,
            params: Vec::new(),
            object_types: Vec::new(),
            objects: Vec::new(),
            files: Vec::new(),
            action_time: None,
            drain_time: limits::DRAIN_TIME,
            mistakes,
        }
    }

    /// How a plugin of this provider is configured: from a struct of params to the state that handlers work on.
    ///
    /// It is called when the plugin starts and may be called again at any time. New state is built completely and then
    /// put in place; after an error the old one goes on serving. Say this before any handler.
    #[must_use]
    pub fn configure<S, C, F, Fut>(mut self, configure: F) -> Provider<S>
    where
        S: Send + Sync + 'static,
        C: DeserializeOwned + JsonSchema + Send + 'static,
        F: Fn(Context<()>, C) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<S>> + Send + 'static,
    {
        let has_hooks = self.other_actions.is_some()
            || !self.subcommands.is_empty()
            || self.reconcile.is_some()
            || self.publish.is_some()
            || self.on_stop.is_some();
        if !self.actions.is_empty() || !self.rules.is_empty() || has_hooks {
            self.mistakes.push("`configure` comes before the handlers: they work on what it returns".to_owned());
        }
        let configure = TypedConfigure::new(configure);
        if let Err(mistake) = Configure::<S>::declared(&configure) {
            self.mistakes.push(format!("the params of the configuration {mistake}"));
        }
        Provider {
            name: self.name,
            version: self.version,
            documentation: self.documentation,
            meta: self.meta,
            content: self.content,
            auto_start: self.auto_start,
            configure: Box::new(configure),
            actions: Vec::new(),
            other_actions: None,
            validate: self.validate,
            subcommands: Vec::new(),
            rules: Vec::new(),
            event_limits: self.event_limits,
            reconcile: None,
            endpoint: None,
            publish: None,
            on_stop: None,
            params: self.params,
            object_types: self.object_types,
            objects: self.objects,
            files: self.files,
            action_time: self.action_time,
            drain_time: self.drain_time,
            mistakes: self.mistakes,
        }
    }
}

impl<S: Send + Sync + 'static> Provider<S> {
    /// One line that says what it is for.
    #[must_use]
    pub fn about(self, text: &str) -> Self {
        self.meta("Description", text)
    }

    /// The name that people see.
    #[must_use]
    pub fn display_name(self, text: &str) -> Self {
        self.meta("DisplayName", text)
    }

    /// reStructuredText for people.
    #[must_use]
    pub fn documentation(mut self, text: &str) -> Self {
        text.clone_into(&mut self.documentation);
        self
    }

    /// A field of the content bundle's metadata, one of [`Metadata::FIELDS`].
    #[must_use]
    pub fn meta(mut self, field: &str, text: &str) -> Self {
        if !Metadata::FIELDS.contains(&field) {
            self.mistakes.push(format!("`{field}` is no field of a content bundle's metadata"));
        }
        self.meta.set(field, text);
        self
    }

    /// Ships content beside what the types say: tasks, stages, templates, and what else a server knows.
    ///
    /// A param that a type declares may be in the content too, with its icon and documentation. What both say of it must
    /// be the same, and so must metadata and objects that are said in both ways.
    #[must_use]
    pub fn content(mut self, content: Content) -> Self {
        if self.content.replace(content).is_some() {
            self.mistakes.push("the provider has content twice".to_owned());
        }
        self
    }

    /// The server makes a plugin of the provider's name by itself.
    #[must_use]
    pub fn auto_start(mut self) -> Self {
        self.auto_start = true;
        self
    }

    /// An action: `async fn(Context<S>, target, params) -> Result<result>`.
    ///
    /// The target says on which objects it is offered. The fields of the params struct are the action's params: the
    /// field's serde name is the param's, `Option` or `default` makes it optional, the doc comment describes it and
    /// [`Secure`](crate::Secure) makes it secret. Calls run at the same time, also on one object.
    #[must_use]
    pub fn action<T, P, R, F, Fut>(self, command: &str, handler: F) -> Self
    where
        T: Target,
        P: DeserializeOwned + JsonSchema + Send + 'static,
        R: Serialize + 'static,
        F: Fn(Context<S>, T, P) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R>> + Send + 'static,
    {
        self.add_action(Action::new(command, handler))
    }

    /// An action with more to say about it than [`action`](Self::action) can: see [`Action`].
    #[must_use]
    pub fn add_action(mut self, action: Action<S>) -> Self {
        let (command, model) = (&action.command, action.handler.model());
        if let Err(mistake) = action.handler.declared() {
            self.mistakes.push(format!("the params of action `{command}` {mistake}"));
        }
        if self.actions.iter().any(|known| known.command == *command && known.handler.model() == model) {
            self.mistakes.push(format!("action `{command}` on `{model}` is there twice"));
        }
        self.actions.push(action);
        self
    }

    /// Carries out every command that has no action of its own: `async fn(Context<S>, ActionCall) -> Result<Raw>`.
    ///
    /// This is for commands that [`validate`](Self::validate) declares. Answer what is none with a 404.
    #[must_use]
    pub fn other_actions<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Context<S>, ActionCall) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Raw>> + Send + 'static,
    {
        self.other_actions = Some(Action::dynamic(AvailableAction::default(), handler));
        self
    }

    /// Looks whether the provider can do its work on this server, and gives the definition that `define` prints: the
    /// one that it is given, or one with more actions, say. An error makes `define` fail, and the server refuses the
    /// provider with its text.
    ///
    /// It is not called where the server only reads a catalog (`RS_TOKEN` is `catalog`), nor where there is no server
    /// at all.
    #[must_use]
    pub fn validate<F, Fut>(mut self, validate: F) -> Self
    where
        F: Fn(Context<()>, PluginProvider) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<PluginProvider>> + Send + 'static,
    {
        self.validate = Some(Box::new(move |context, definition| Box::pin(validate(context, definition))));
        self
    }

    /// A limit on the time of each action; it is cancelled then and the caller gets a 504. Without it there is none.
    #[must_use]
    pub fn action_time(mut self, limit: Duration) -> Self {
        self.action_time = Some(limit);
        self
    }

    /// How long a stopping provider waits for calls in flight; [`limits::DRAIN_TIME`] by default.
    #[must_use]
    pub fn drain_time(mut self, limit: Duration) -> Self {
        self.drain_time = limit;
        self
    }

    /// Handles events: `async fn(Context<S>, Event) -> Result<()>`. [`On`] says which; a text is a selector.
    ///
    /// Events of one object are handled one after the other, those of different objects at the same time. An event
    /// that several `On`s are for goes to the first of them. What the handler logs never becomes an event.
    #[must_use]
    pub fn event<F, Fut>(mut self, on: impl Into<On<S>>, handler: F) -> Self
    where
        F: Fn(Context<S>, Event) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        let on = on.into();
        self.mistakes.extend(on.mistake().map(str::to_owned));
        self.rules.push(Rule { on, handler: Box::new(move |context, event| Box::pin(handler(context, event))) });
        self
    }

    /// How many events may be handled and wait at a time, and what happens to more.
    #[must_use]
    pub fn event_limits(mut self, limits: EventLimits) -> Self {
        self.event_limits = limits;
        self
    }

    /// Called in the background when the provider begins to see events, and again whenever it has missed some: the
    /// stream was interrupted, or events came faster than they were handled. A provider that mirrors objects reads
    /// them all again here. Never twice at the same time; what is missed meanwhile leads to one more call.
    #[must_use]
    pub fn reconcile<F, Fut>(mut self, reconcile: F) -> Self
    where
        F: Fn(Context<S>, Missed) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.reconcile = Some(Box::new(move |context, missed| Box::pin(reconcile(context, missed))));
        self
    }

    /// Handles every event of the server, which posts them one by one and waits.
    ///
    /// The server side of this is deprecated: [`event`](Self::event) is told of the selected events only and never
    /// holds the server up. A provider has one or the other.
    #[must_use]
    pub fn publish<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Context<S>, Event) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.publish = Some(Box::new(move |context, event| Box::pin(handler(context, event))));
        self
    }

    /// Answers what is asked below `/plugin-apis/PLUGIN` of the server's API:
    /// `async fn(Context<S>, EndpointRequest) -> Result<EndpointResponse>`. The server forwards any method, and tells in
    /// `X-Drp-Principal` who asks. `GET /health` and `GET /metrics` are there in every plugin.
    #[must_use]
    pub fn endpoint<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Context<S>, EndpointRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<EndpointResponse>> + Send + 'static,
    {
        self.endpoint = Some(Box::new(move |context, request| Box::pin(handler(context, request))));
        self
    }

    /// Called when the plugin stops, after the last handler has ended.
    #[must_use]
    pub fn on_stop<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Context<S>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.on_stop = Some(Box::new(move |context| Box::pin(handler(context))));
        self
    }

    /// Declares the params of a struct that handlers read off objects with [`Context::params_of`].
    #[must_use]
    pub fn reads<P: DeserializeOwned + JsonSchema>(mut self) -> Self {
        match schema::params_of::<P>() {
            Ok(params) => self.params.extend(params),
            Err(mistake) => self.mistakes.push(format!("the params that are read {mistake}")),
        }
        self
    }

    /// Declares a param that no handler of this provider reads; its values are `T`s.
    #[must_use]
    pub fn param<T: JsonSchema>(mut self, name: &str, description: &str) -> Self {
        self.params.push(schema::param_of::<T>(name, description));
        self
    }

    /// Adds an object type to the server; the fields of `T` are its properties, those that are no `Option` and have no
    /// `default` required. [`Context::collection`] has its objects.
    ///
    /// ```
    /// use drp_plugin::{Context, Machine, NoParams, ObjectType, Provider, Result, Stored};
    /// use schemars::JsonSchema;
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Clone, Serialize, Deserialize, JsonSchema)]
    /// #[serde(rename_all = "PascalCase")]
    /// struct Unit {
    ///     outlets: u8,
    /// }
    ///
    /// impl ObjectType for Unit {
    ///     const NAME: &'static str = "pdu-units";
    /// }
    ///
    /// async fn adopt(context: Context<()>, machine: Machine, _params: NoParams) -> Result<()> {
    ///     context.collection::<Unit>().create(&Stored::new(machine.name, Unit { outlets: 8 })).await?;
    ///     Ok(())
    /// }
    ///
    /// let provider = Provider::new("pdu", "v1.0.0").object_type::<Unit>().action("adopt", adopt);
    /// # assert!(provider.definition().unwrap().store_objects.contains_key("pdu-units"));
    /// ```
    #[must_use]
    pub fn object_type<T: ObjectType + JsonSchema>(mut self) -> Self {
        match schema::object_type_of::<T>() {
            Some(definition) => {
                let taken = ["Id", "Type"].into_iter().filter(|key| definition.get(key).is_some());
                let taken = taken.map(|key| format!("object type `{}`: every object has `{key}` already", T::NAME));
                self.mistakes.extend(taken);
                self.object_types.push((T::NAME.to_owned(), definition));
            }
            None => self.mistakes.push(format!("object type `{}` is no struct with named fields", T::NAME)),
        }
        self
    }

    /// Adds an object type whose objects may hold anything.
    #[must_use]
    pub fn untyped_object_type(mut self, name: &str) -> Self {
        self.object_types.push((name.to_owned(), serde_json::json!({})));
        self
    }

    /// Ships a read-only object of one of the provider's own types.
    #[must_use]
    pub fn object<T: Serialize>(mut self, type_name: &str, id: &str, object: &T) -> Self {
        match define::stored_object(type_name, id, object) {
            Ok(object) => self.objects.push((type_name.to_owned(), id.to_owned(), object)),
            Err(error) => self.mistakes.push(format!("object `{id}` of `{type_name}` is no JSON object: {error}")),
        }
        self
    }

    /// Ships a file, unpacked into the provider's part of the static file space with these permissions (`0o644`).
    #[must_use]
    pub fn file(mut self, path: &str, contents: &'static [u8], mode: u32) -> Self {
        match File::new(path, contents, mode) {
            Ok(file) => self.files.push(file),
            Err(error) => self.mistakes.push(error.to_string()),
        }
        self
    }

    /// Ships a directory of files, embedded with [`files!`](crate::files!), each as [`file`](Self::file) does.
    #[must_use]
    pub fn files(self, files: &[EmbeddedFile]) -> Self {
        files.iter().fold(self, |provider, file| provider.file(file.path, file.contents, file.mode))
    }

    /// A command of one's own on the command line, beside those that servers run:
    /// `async fn(Provider<S>, Vec<String>) -> Result<()>`. It is given the provider and what stands behind the
    /// command's name; see [`standalone`](Self::standalone) for what it can do with it. Its log goes to stderr.
    #[must_use]
    pub fn subcommand<F, Fut>(mut self, name: &str, about: &str, run: F) -> Self
    where
        F: FnOnce(Self, Vec<String>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        let taken = command::COMMANDS.contains(&name) || self.subcommands.iter().any(|known| known.name == name);
        if taken || name.is_empty() || name.starts_with('-') || name.contains(char::is_whitespace) {
            self.mistakes.push(format!("`{name}` cannot be a subcommand: it is taken, or no word"));
        }
        self.subcommands.push(Subcommand {
            name: name.to_owned(),
            about: about.to_owned(),
            run: Box::new(move |provider, args| Box::pin(run(provider, args))),
        });
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The definition that the `define` command prints.
    ///
    /// # Errors
    /// All mistakes that were made while the provider was put together.
    pub fn definition(&self) -> Result<PluginProvider, DefineError> {
        define::definition(self)
    }

    /// Does what the command line says, and says how it went. This is all that `main` has to do.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let args: Result<Vec<String>, OsString> = std::env::args_os().skip(1).map(OsString::into_string).collect();
        match args {
            Ok(args) => self.run_with(args),
            Err(arg) => command::fail(&format!("argument {arg:?} is no UTF-8")),
        }
    }

    /// Like [`run`](Self::run), with a command line of one's own.
    #[must_use]
    pub fn run_with(self, args: impl IntoIterator<Item = String>) -> ExitCode {
        command::run(self, &args.into_iter().collect::<Vec<_>>())
    }

    /// Serves as a plugin inside of this process, as a test does: until the host says stop, with everything that
    /// [`run`](Self::run) does under `listen`, save what belongs to a whole process. Environment, signals, panic hook,
    /// standard output and the global subscriber of `tracing` stay as they are, and any number of plugins can be
    /// served at the same time, also of one provider.
    ///
    /// The plugin has threads of its own, and what they log goes to its host. Dropping the future ends it at once.
    /// `drp-test` calls this for you.
    ///
    /// # Errors
    /// The provider is put together wrong, or the socket cannot be served.
    pub fn listen_on(
        self: &Arc<Self>,
        listen: Listen,
    ) -> impl Future<Output = Result<(), ListenError>> + Send + 'static + use<S> {
        listen::listen_embedded(Arc::clone(self), listen)
    }

    /// Writes the files that the provider ships below a directory, which is made where it is missing.
    ///
    /// Each file appears whole or not at all, never through a link and never outside of the directory. Files that are
    /// as they should be stay untouched.
    ///
    /// # Errors
    /// A file cannot be written, or something is in its way.
    pub fn unpack(&self, directory: &Path) -> Result<(), UnpackError> {
        unpack::unpack(&self.files, directory)
    }

    /// The action of a command, and which ones there are where the server's request leaves it open.
    pub(crate) fn find_action(&self, command: &str, model: &str) -> Vec<&Action<S>> {
        let actions: Vec<&Action<S>> = self.actions.iter().filter(|action| action.command == command).collect();
        if actions.len() < 2 {
            return actions;
        }
        let model = if model == drp_core::contract::SYSTEM { "" } else { model };
        actions.into_iter().filter(|action| action.handler.model() == model).collect()
    }

    /// Params that a configuration needs.
    pub(crate) fn config_params(&self) -> &[DeclaredParam] {
        self.configure.declared().unwrap_or_default()
    }

    /// Whether the config body's other keys matter: they never do, but its `Name` is the plugin's.
    pub(crate) fn plugin_name(&self, params: &Params) -> String {
        let name = params.get(drp_core::contract::NAME_KEY).and_then(drp_core::Raw::as_string);
        name.filter(|name| !name.is_empty()).unwrap_or_else(|| self.name.clone())
    }
}

impl<S> fmt::Debug for Provider<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("name", &self.name).field("version", &self.version).finish_non_exhaustive()
    }
}
