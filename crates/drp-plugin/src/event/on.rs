//! Which events a handler is for.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use drp_core::{Event, Selector};

/// Which events a handler is for, and how long it may take for one.
///
/// A text such as `"machines.create.*"` is one already; see [`Selector`] for what may stand in it.
///
/// ```
/// use drp_plugin::{Context, Event, On, Provider, Result, Selector};
///
/// struct State {
///     watched: Vec<Selector>,
/// }
///
/// async fn note(_context: Context<State>, event: Event) -> Result<()> {
///     tracing::info!("{} {}", event.action, event.key);
///     Ok(())
/// }
///
/// # #[derive(serde::Deserialize, schemars::JsonSchema)]
/// # struct Config { #[serde(rename = "noter/watched", default)] watched: Vec<Selector> }
/// let provider = Provider::new("noter", "v1.0.0")
///     .configure(async |_: Context<()>, config: Config| Ok(State { watched: config.watched }))
///     // Only when the stage has become another.
///     .event(On::select("machines.update.*").when(|event| event.changed("Stage")), note)
///     // Whatever the configuration says, and from the next one on what that says.
///     .event(On::computed(|state: &State| state.watched.clone()), note);
/// # assert!(provider.definition().is_ok());
/// ```
pub struct On<S> {
    source: Source<S>,
    when: Option<Predicate>,
    time_limit: Option<Duration>,
}

type Predicate = Box<dyn Fn(&Event) -> bool + Send + Sync>;
type Compute<S> = Box<dyn Fn(&S) -> Vec<Selector> + Send + Sync>;

enum Source<S> {
    Fixed(Selector),
    Computed(Compute<S>),
    /// What is wrong with the selector.
    Bad(String),
}

impl<S> On<S> {
    /// The events that one selector selects.
    #[must_use]
    pub fn select<T: TryInto<Selector>>(selector: T) -> Self
    where
        T::Error: fmt::Display,
    {
        Self::new(match selector.try_into() {
            Ok(selector) => Source::Fixed(selector),
            Err(error) => Source::Bad(error.to_string()),
        })
    }

    /// The events that the state selects. It is asked after each good configuration, and the server is told what has
    /// changed; events of selectors that stay are not missed meanwhile.
    #[must_use]
    pub fn computed(selectors: impl Fn(&S) -> Vec<Selector> + Send + Sync + 'static) -> Self {
        Self::new(Source::Computed(Box::new(selectors)))
    }

    fn new(source: Source<S>) -> Self {
        Self { source, when: None, time_limit: None }
    }

    /// Only those of them for which this holds. The server sends them all the same, but no other one waits for the
    /// handler. See [`Event::changed`] and [`Event::entered`].
    #[must_use]
    pub fn when(mut self, predicate: impl Fn(&Event) -> bool + Send + Sync + 'static) -> Self {
        self.when = Some(Box::new(predicate));
        self
    }

    /// How long the handler may take for one event; it is cancelled then, which counts as an error. Without it there
    /// is no limit.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// What the author did wrong.
    pub(crate) fn mistake(&self) -> Option<&str> {
        match &self.source {
            Source::Bad(mistake) => Some(mistake),
            Source::Fixed(_) | Source::Computed(_) => None,
        }
    }

    /// What is to be registered for a state.
    pub(crate) fn selectors(&self, state: &S) -> Vec<Selector> {
        match &self.source {
            Source::Fixed(selector) => vec![selector.clone()],
            Source::Computed(selectors) => selectors(state),
            Source::Bad(_) => Vec::new(),
        }
    }

    pub(crate) fn limit(&self) -> Option<Duration> {
        self.time_limit
    }

    /// Whether the predicate, if there is one, holds. One that panics does not.
    pub(crate) fn holds(&self, event: &Event) -> bool {
        let Some(when) = &self.when else { return true };
        catch_unwind(AssertUnwindSafe(|| when(event))).unwrap_or(false)
    }
}

impl<S> From<&str> for On<S> {
    fn from(selector: &str) -> Self {
        Self::select(selector)
    }
}

impl<S> From<Selector> for On<S> {
    fn from(selector: Selector) -> Self {
        Self::new(Source::Fixed(selector))
    }
}

impl<S> fmt::Debug for On<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match &self.source {
            Source::Fixed(selector) => selector.as_str(),
            Source::Computed(_) => "computed",
            Source::Bad(mistake) => mistake,
        };
        f.debug_struct("On").field("source", &source).field("time_limit", &self.time_limit).finish_non_exhaustive()
    }
}
