//! Users and their roles, as they are stored.

use base64::{Engine, engine::general_purpose::STANDARD};
use drp_core::{Error, RawModel};

use super::{
    claims::{Claim, ClaimText, Role, role_contains},
    random,
};
use crate::objects::Objects;

const USERS: &str = "users";
const ROLES: &str = "roles";
/// The role that may do everything and needs no object.
pub(crate) const SUPERUSER: &str = "superuser";
const HASH_KEY: &str = "PasswordHash";
const SECRET_KEY: &str = "Secret";

/// What is needed of a stored user.
pub(super) struct User {
    pub(super) name: String,
    pub(super) hash: String,
    pub(super) secret: String,
    roles: Vec<String>,
}

impl User {
    /// The user of that name; `Index:value` names nobody here.
    pub(super) fn find(objects: &Objects, name: &str) -> Result<Option<Self>, Error> {
        Ok(objects.get(USERS, name)?.filter(|user| user.text("Name") == name).map(|user| Self::read(&user)))
    }

    fn read(user: &RawModel) -> Self {
        let hash = STANDARD.decode(user.text(HASH_KEY)).ok().and_then(|hash| String::from_utf8(hash).ok());
        Self {
            name: user.text("Name"),
            hash: hash.unwrap_or_default(),
            secret: user.text(SECRET_KEY),
            roles: user.get("Roles").unwrap_or_default(),
        }
    }

    /// The claims of the user's roles, those that everybody has included.
    pub(super) fn roles(&self, objects: &Objects) -> Result<Vec<Role>, Error> {
        let own = vec![Claim::new(USERS, "token,password,get", &self.name), Claim::new("info", "get", "*")];
        let mut roles = vec![own];
        for name in &self.roles {
            roles.extend(find_role(objects, name)?);
        }
        Ok(roles)
    }

    /// The claims of `wanted` roles, of which those that exceed the user's own are left out.
    pub(super) fn narrowed(&self, objects: &Objects, wanted: &[String]) -> Result<Vec<Role>, Error> {
        let all = self.roles(objects)?;
        let mut roles = Vec::new();
        for name in wanted {
            let allowed = |role: &Role| all.iter().any(|own| role_contains(own, role));
            roles.extend(find_role(objects, name)?.filter(allowed));
        }
        Ok(roles)
    }
}

fn find_role(objects: &Objects, name: &str) -> Result<Option<Role>, Error> {
    if name == SUPERUSER {
        return Ok(Some(vec![Claim::new("*", "*", "*")]));
    }
    let role = objects.get(ROLES, name)?;
    Ok(role.map(|role| role.get::<Vec<ClaimText>>("Claims").unwrap_or_default().iter().map(Claim::from).collect()))
}

/// A user who may do everything.
pub(super) fn administrator(name: &str, hash: &str) -> Result<RawModel, serde_json::Error> {
    let mut user = RawModel::default();
    user.set("Name", name)?;
    user.set("Roles", &[SUPERUSER])?;
    set_password(&mut user, hash)?;
    Ok(user)
}

/// Puts in a password's hash. The new Secret ends all tokens of the user.
pub(super) fn set_password(user: &mut RawModel, hash: &str) -> Result<(), serde_json::Error> {
    user.set(HASH_KEY, &STANDARD.encode(hash))?;
    user.set(SECRET_KEY, &random::text::<12>())
}
