//! How many events may wait, and what happens to those for which there is no room.

use drp_core::limits;

/// How events wait for their handlers, for all handlers of a provider together.
///
/// Events of one object are handled one after the other, always. What has the same key counts as one object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventLimits {
    /// Events of different objects that are handled at the same time; 64 unless set.
    pub parallel: usize,
    /// Events that may wait; [`limits::HANDLER_EVENTS_MAX`] unless set.
    pub waiting: usize,
    /// Events of one object that may wait; as many as of all unless set.
    pub waiting_per_object: usize,
    /// Bytes of all events that may wait; [`limits::HANDLER_EVENT_BYTES_MAX`] unless set.
    pub waiting_bytes: usize,
    /// What happens to those for which there is no room.
    pub overflow: Overflow,
}

impl Default for EventLimits {
    fn default() -> Self {
        Self {
            parallel: 64,
            waiting: limits::HANDLER_EVENTS_MAX,
            waiting_per_object: limits::HANDLER_EVENTS_MAX,
            waiting_bytes: limits::HANDLER_EVENT_BYTES_MAX,
            overflow: Overflow::default(),
        }
    }
}

impl EventLimits {
    /// The same with this many handlers at a time; at least one.
    #[must_use]
    pub fn parallel(mut self, handlers: usize) -> Self {
        self.parallel = handlers.max(1);
        self
    }

    /// The same with this many events waiting; at least one.
    #[must_use]
    pub fn waiting(mut self, events: usize) -> Self {
        self.waiting = events.max(1);
        self
    }

    /// The same with this many events of one object waiting; at least one.
    #[must_use]
    pub fn waiting_per_object(mut self, events: usize) -> Self {
        self.waiting_per_object = events.max(1);
        self
    }

    /// The same with this overflow policy.
    #[must_use]
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }
}

/// What happens to events for which there is no room. Each that goes is counted and told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// The oldest one goes.
    #[default]
    DropOldest,
    /// No more is taken from the stream until there is room again. What the stream cannot hold meanwhile is lost
    /// there. The limit for one object does not count then.
    Block,
    /// Of each object only the newest event waits, and it carries the `Original` of the first one that it replaces.
    /// For a handler that brings things into line with the object as it is.
    CoalesceLatest,
}
