//! What all typed models have in common, and the list of those that every server has.

use std::{borrow::Cow, net::Ipv4Addr};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    BootEnv, CatalogItem, Context, Endpoint, Field, Interface, Job, Lease, Machine, Param, Plugin, PluginProvider,
    Pool, Pref, Problem, Profile, RawModel, Reservation, Role, Stage, Subnet, Task, Template, Tenant, User, VersionSet,
    Workflow, wire::Object,
};

/// A typed object of the server: it lives under `/api/v3/<PREFIX>/<key>`.
///
/// A custom object type has one of its own in [`Stored`](crate::Stored). Implement this where that does not fit:
///
/// ```
/// use drp_core::Model;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize)]
/// #[serde(rename_all = "PascalCase")]
/// struct Cow {
///     id: String,
///     #[serde(default)]
///     spotted: bool,
/// }
///
/// impl Model for Cow {
///     const PREFIX: &'static str = "cows";
///     fn key(&self) -> String {
///         self.id.clone()
///     }
/// }
/// ```
pub trait Model: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// The object type, as it stands in URLs, events and `AvailableAction.Model`.
    const PREFIX: &'static str;

    /// The key of this object in its type.
    fn key(&self) -> String;

    /// Everything that is wrong with this object by itself, as a server would say it, all at once.
    ///
    /// A server checks an object after it has put in what was left out, such as a machine's stage and architecture.
    /// It checks more than can be seen here: what an object says of others, schemas, and what roles may claim.
    ///
    /// ```
    /// use drp_core::{Model, Workflow};
    /// let workflow = Workflow { name: "w1".into(), stages: vec!["s/".into()].into(), ..Workflow::default() };
    /// let problems = workflow.validate();
    /// assert_eq!(problems[0].path, "/Stages/0");
    /// assert_eq!(problems[0].to_string(), "Invalid Stage Name `s/`");
    /// ```
    fn validate(&self) -> Vec<Problem> {
        Vec::new()
    }
}

/// A type of objects that every server has.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ModelType {
    /// Its name in URLs and events, and in content bundles.
    pub prefix: &'static str,
    /// The key of an object that holds its key; addresses are keys in hexadecimal.
    pub key_field: &'static str,
    /// Further keys whose values are unique, and by which objects can be found.
    pub unique: &'static [&'static str],
    /// Plugins may offer actions on objects.
    pub has_actions: bool,
    /// Objects hold param values.
    pub has_params: bool,
    /// Objects name profiles whose param values are also theirs.
    pub has_profiles: bool,
    /// The keys of objects: those of each mixin, then its own.
    pub keys: &'static [&'static [Field]],
    /// [`Model::validate`] of an untyped object.
    ///
    /// # Errors
    /// A key does not fit the model.
    pub validate: fn(&RawModel) -> Result<Vec<Problem>, serde_json::Error>,
}

impl ModelType {
    const fn of<M: Model + Object>(key_field: &'static str) -> Self {
        Self {
            prefix: M::PREFIX,
            key_field,
            unique: &[],
            has_actions: false,
            has_params: false,
            has_profiles: false,
            keys: M::KEYS,
            validate: |object| object.typed::<M>().map(|model| model.validate()),
        }
    }

    const fn unique(self, unique: &'static [&'static str]) -> Self {
        Self { unique, ..self }
    }

    const fn with_actions(self) -> Self {
        Self { has_actions: true, ..self }
    }

    const fn with_params(self) -> Self {
        Self { has_params: true, ..self }
    }

    const fn with_profiles(self) -> Self {
        Self { has_profiles: true, ..self }
    }

    /// Whether objects are keyed by an address in hexadecimal: see [`hex_key`].
    #[must_use]
    pub fn is_keyed_by_address(&self) -> bool {
        self.key_field == "Addr"
    }

    /// The type of a prefix; `None` for custom types.
    #[must_use]
    pub fn find(prefix: &str) -> Option<&'static Self> {
        MODELS.iter().find(|model| model.prefix == prefix)
    }
}

/// An IPv4 address as leases and reservations have it for a key: eight hexadecimal digits. What is none stays as it is.
///
/// ```
/// assert_eq!(drp_core::hex_key("192.168.124.11"), "C0A87C0B");
/// assert_eq!(drp_core::hex_key("C0A87C0B"), "C0A87C0B");
/// ```
#[must_use]
pub fn hex_key(address: &str) -> Cow<'_, str> {
    match address.parse::<Ipv4Addr>() {
        Ok(address) => Cow::Owned(format!("{:08X}", address.to_bits())),
        Err(_) => Cow::Borrowed(address),
    }
}

/// The types that every server has (`models.md` §4), sorted by prefix.
pub static MODELS: [ModelType; 24] = [
    ModelType::of::<BootEnv>("Name").with_actions(),
    ModelType::of::<CatalogItem>("Id"),
    ModelType::of::<Context>("Name"),
    ModelType::of::<Endpoint>("Id").with_actions().with_params(),
    ModelType::of::<Interface>("Name"),
    ModelType::of::<Job>("Uuid").with_actions(),
    ModelType::of::<Lease>("Addr").with_actions(),
    ModelType::of::<Machine>("Uuid").unique(&["Name"]).with_actions().with_params().with_profiles(),
    ModelType::of::<Param>("Name"),
    ModelType::of::<PluginProvider>("Name"),
    ModelType::of::<Plugin>("Name").with_actions().with_params(),
    ModelType::of::<Pool>("Id").with_actions(),
    ModelType::of::<Pref>("Name"),
    ModelType::of::<Profile>("Name").with_actions().with_params().with_profiles(),
    ModelType::of::<Reservation>("Addr").with_actions(),
    ModelType::of::<Role>("Name"),
    ModelType::of::<Stage>("Name").with_actions().with_params().with_profiles(),
    ModelType::of::<Subnet>("Name").unique(&["Subnet"]).with_actions(),
    ModelType::of::<Task>("Name").with_actions(),
    ModelType::of::<Template>("ID").with_actions(),
    ModelType::of::<Tenant>("Name"),
    ModelType::of::<User>("Name").with_actions(),
    ModelType::of::<VersionSet>("Id").with_actions(),
    ModelType::of::<Workflow>("Name").with_actions(),
];
