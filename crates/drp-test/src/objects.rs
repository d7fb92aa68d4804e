//! What is on the server: machines, other objects, params, events.

use std::panic::Location;

use drp_core::{Event, Machine, Model, Raw};
use serde::Serialize;

use crate::TestHost;

impl TestHost {
    /// Makes a machine of this name.
    #[track_caller]
    pub fn machine(&self, name: &str) -> impl Future<Output = Machine> {
        let caller = Location::caller();
        let machine = Machine { name: name.to_owned(), ..Machine::default() };
        async move { self.created(&machine, caller).await }
    }

    /// Makes an object and gives it back as the server has it.
    #[track_caller]
    pub fn create<M: Model>(&self, object: &M) -> impl Future<Output = M> {
        self.created(object, Location::caller())
    }

    async fn created<M: Model>(&self, object: &M, caller: &Location<'_>) -> M {
        let created = self.client().objects::<M>().create(object).await;
        created.unwrap_or_else(|error| panic!("{caller}: cannot make one of {}: {}", M::PREFIX, error.chain()))
    }

    /// An object as the server has it now.
    #[track_caller]
    pub fn get<M: Model>(&self, key: &str) -> impl Future<Output = M> {
        let caller = Location::caller();
        async move {
            let got = self.client().objects::<M>().get(key).await;
            got.unwrap_or_else(|error| panic!("{caller}: cannot get `{key}` of {}: {}", M::PREFIX, error.chain()))
        }
    }

    /// Sets a param of an object.
    #[track_caller]
    pub fn set_param<M: Model>(&self, object: &M, name: &str, value: impl Serialize) -> impl Future<Output = ()> {
        let caller = Location::caller();
        async move {
            let set = self.client().objects::<M>().params(&object.key()).set(name, &value).await;
            set.unwrap_or_else(|error| panic!("{caller}: cannot set param `{name}`: {}", error.chain()));
        }
    }

    /// The value of an object's own param; `None` where it is not set.
    #[track_caller]
    pub fn param<M: Model>(&self, object: &M, name: &str) -> impl Future<Output = Option<serde_json::Value>> {
        let caller = Location::caller();
        async move {
            let got = self.client().objects::<M>().params(&object.key()).get(name).await;
            got.unwrap_or_else(|error| panic!("{caller}: cannot get param `{name}`: {}", error.chain()))
        }
    }

    /// Publishes an event to all who have selected it.
    #[track_caller]
    pub fn emit(&self, type_: &str, action: &str, key: &str, object: impl Serialize) -> impl Future<Output = ()> {
        let caller = Location::caller();
        let object = Raw::new(&object).unwrap_or_else(|error| panic!("{caller}: the object is no JSON: {error}"));
        let event = Event::new(type_, action, key, object);
        async move {
            let posted = self.client().post_event(&event).await;
            posted.unwrap_or_else(|error| panic!("{caller}: cannot post an event: {}", error.chain()));
        }
    }
}
