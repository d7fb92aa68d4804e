//! A call on its way from the request to its handler.

use std::{any::Any, mem};

use drp_core::{Action, ActionOn, Raw, RawModel};

/// A call that has been read.
pub(crate) struct Call {
    /// What was asked for; without its object where that has been read already.
    pub(crate) action: Action,
    target: Option<Box<dyn Any + Send>>,
    /// The request, where `action` is without its object.
    request: Box<str>,
}

impl From<Action> for Call {
    fn from(action: Action) -> Self {
        Self { action, target: None, request: Box::default() }
    }
}

impl Call {
    /// A call whose target was read in one pass with everything else.
    pub(super) fn read_whole<T: Send + 'static>(call: ActionOn<T>, request: &str) -> Option<Self> {
        let target: Box<dyn Any + Send> = Box::new(call.target?);
        Some(Self { action: call.action, target: Some(target), request: request.into() })
    }

    /// The target, if it has been read, and as this type.
    pub(super) fn take_target<T: 'static>(&mut self) -> Option<T> {
        self.target.take()?.downcast().ok().map(|target| *target)
    }

    /// The text of the object. It stays with the call only where the handler has yet to read it.
    pub(crate) fn take_object(&mut self) -> ObjectText {
        ObjectText { model: self.action.model.clone(), request: mem::take(&mut self.request) }
    }
}

/// The object of a call, for the few who look at it once more.
#[derive(Default)]
pub(crate) struct ObjectText {
    model: Raw,
    /// What the object is in, where `model` is not it.
    request: Box<str>,
}

impl ObjectText {
    pub(crate) fn parse(&self) -> Option<RawModel> {
        if self.request.is_empty() {
            return self.model.parse().ok();
        }
        serde_json::from_str::<ActionOn<RawModel>>(&self.request).ok()?.target
    }
}
