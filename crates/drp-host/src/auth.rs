//! Who asks, and what that one may do: users with passwords and tokens, plugins with tokens of their own.

mod claims;
mod machines;
mod passwords;
mod principal;
mod random;
mod tenants;
mod tokens;
mod users;

use std::{io, path::Path, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use drp_core::{Error, Raw, RawModel};
use http::{HeaderMap, header::AUTHORIZATION};

use self::{
    claims::Role,
    passwords::{PASSWORD_BYTES_MAX, Passwords},
    tenants::Tenant,
    tokens::{Instances, Signer, TokenClaims},
    users::User,
};
pub(crate) use self::{
    principal::Principal,
    random::{hex, text as random_text},
    tokens::now_s,
    users::SUPERUSER,
};
use crate::{objects::Objects, types::is_over};

const USERS: &str = "users";
const MACHINES: &str = "machines";
const JOBS: &str = "jobs";
/// Longest life of a job's token, which ends with the job.
const JOB_TTL_S: u64 = 3 * 365 * 24 * 3600;

/// Knows users, passwords and tokens.
pub(crate) struct Auth {
    objects: Arc<Objects>,
    signer: Signer,
    instances: Instances,
    passwords: Passwords,
}

/// Why a request is not let in.
#[derive(Debug)]
pub(crate) enum Denied {
    /// It says nothing about who sent it, or nothing that can be read.
    Anonymous,
    /// The user or password is wrong.
    Password,
    /// The token is none; the text says why.
    Token(&'static str),
    /// Whom the token is of is gone or has another Secret.
    Revoked,
    /// It could not be found out.
    Failed(Error),
}

impl From<Error> for Denied {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Auth {
    /// Auth over stored users; `key_file` holds the key that users' tokens are signed with, and is made if missing.
    pub(crate) fn open(objects: Arc<Objects>, key_file: &Path) -> io::Result<Self> {
        let signer = Signer::open(key_file)?;
        Ok(Self { objects, signer, instances: Instances::default(), passwords: Passwords::new() })
    }

    /// Sees to it that the administrator exists and has `password`, if one is given. Where none is given and the user
    /// is new, the password is random and returned.
    pub(crate) async fn ensure_administrator(
        &self,
        name: &str,
        password: Option<&str>,
    ) -> Result<Option<String>, Error> {
        match (User::find(&self.objects, name)?, password) {
            (Some(_), None) => Ok(None),
            (Some(user), Some(password)) => {
                if !self.passwords.verify(name, password, &user.hash).await {
                    self.set_password(&Principal::system(), name, password).await?;
                }
                Ok(None)
            }
            (None, given) => {
                let password = given.map_or_else(random::text::<12>, str::to_owned);
                let user = users::administrator(name, &self.hash(name, &password).await?).map_err(unwritable)?;
                self.objects.create(&Principal::system(), USERS, user).await?;
                Ok(given.is_none().then_some(password))
            }
        }
    }

    /// Who sent a request with these headers; `token` is that of the query.
    pub(crate) async fn authenticate(&self, headers: &HeaderMap, token: Option<&str>) -> Result<Principal, Denied> {
        let Some(header) = headers.get(AUTHORIZATION) else {
            return match token.map(|token| (token, token.split_once(':'))) {
                None => Err(Denied::Anonymous),
                Some((_, Some((user, password)))) => self.by_password(user, password).await,
                Some((token, None)) => self.by_token(token),
            };
        };
        let header = header.to_str().map_err(|_| Denied::Anonymous)?;
        match header.split_once(' ') {
            Some(("Bearer", token)) => self.by_token(token.trim()),
            Some(("Basic", encoded)) => {
                let decoded = STANDARD.decode(encoded.trim()).ok().and_then(|text| String::from_utf8(text).ok());
                let decoded = decoded.ok_or(Denied::Anonymous)?;
                let (user, password) = decoded.split_once(':').ok_or(Denied::Anonymous)?;
                self.by_password(user, password).await
            }
            _ => Err(Denied::Anonymous),
        }
    }

    /// Has users' tokens signed with a key that `secret` is part of, from now on; those signed otherwise are worth
    /// nothing any more. The secret alone is not enough to make a token.
    pub(crate) fn sign_with(&self, secret: &str) {
        self.signer.sign_with(secret);
    }

    /// A token of a user for `ttl_s` seconds, narrowed to `roles` if some are named.
    pub(crate) fn issue_user_token(&self, name: &str, ttl_s: u64, roles: Option<Vec<String>>) -> Result<String, Error> {
        let user = User::find(&self.objects, name)?;
        let user = user.ok_or_else(|| Error::new(404, "GET", "Not Found").about(USERS, name))?;
        Ok(self.unrecorded(self.signer.sign(&user.name, &user.secret, ttl_s, roles)))
    }

    /// A token of a machine for `ttl_s` seconds, which ends with the machine or its Secret.
    pub(crate) fn issue_machine_token(&self, machine: &RawModel, ttl_s: u64) -> String {
        self.unrecorded(self.signer.sign_machine(&machine.text("Uuid"), &machine.text("Secret"), ttl_s, None))
    }

    /// A token of a machine until one of its jobs is over, with the claims that the job has on top.
    pub(crate) fn issue_job_token(&self, machine: &RawModel, job: &RawModel) -> String {
        let (uuid, secret) = (machine.text("Uuid"), machine.text("Secret"));
        self.unrecorded(self.signer.sign_machine(&uuid, &secret, JOB_TTL_S, Some(job.text("Uuid"))))
    }

    /// How many tokens of this process have been revoked: as long as that stays, those that were good are.
    pub(crate) fn revoked(&self) -> u64 {
        self.instances.revoked()
    }

    /// A token for one run of a plugin: it may do everything, as providers expect.
    pub(crate) fn issue_plugin_token(&self, plugin: &str) -> String {
        self.unrecorded(self.instances.issue(&format!("plugin:{plugin}")))
    }

    /// Ends a token of this process.
    pub(crate) fn revoke_plugin_token(&self, token: &str) {
        self.instances.revoke(token);
    }

    /// A token of this process for whoever runs the host, as if `name` had asked; it ends with the process.
    pub(crate) fn issue_operator_token(&self, name: &str) -> String {
        self.unrecorded(self.instances.issue(name))
    }

    /// The same token, which stands in no recording.
    fn unrecorded(&self, token: String) -> String {
        self.objects.secrets().seen(&Raw::from(token.as_str()));
        token
    }

    /// Gives a user another password; all tokens of the user end.
    pub(crate) async fn set_password(&self, by: &Principal, name: &str, password: &str) -> Result<(), Error> {
        let hash = self.hash(name, password).await?;
        let set = |user: &mut RawModel| users::set_password(user, &hash).map_err(unwritable);
        self.objects.save(by, USERS, name, set).await.map(drop)
    }

    async fn hash(&self, name: &str, password: &str) -> Result<String, Error> {
        if password.is_empty() || password.len() > PASSWORD_BYTES_MAX {
            let text = format!("Password must have 1 to {PASSWORD_BYTES_MAX} bytes");
            return Err(Error::new(400, "PUT", text).about(USERS, name));
        }
        self.passwords.hash(password).await.ok_or_else(|| Error::new(503, "PUT", "The server is stopping"))
    }

    async fn by_password(&self, name: &str, password: &str) -> Result<Principal, Denied> {
        let Some(user) = User::find(&self.objects, name)? else {
            // Takes as long as a wrong password, so that time does not tell which users there are.
            self.passwords.verify("", password, &passwords::nobodys_hash()).await;
            return Err(Denied::Password);
        };
        if !self.passwords.verify(&user.name, password, &user.hash).await {
            return Err(Denied::Password);
        }
        self.principal(&user, user.roles(&self.objects)?)
    }

    fn principal(&self, user: &User, roles: Vec<Role>) -> Result<Principal, Denied> {
        let tenants = Tenant::all_of(&self.objects, &user.name)?;
        Ok(Principal::new(user.name.clone(), roles).within(tenants))
    }

    /// Every call looks at the live user, so that a deleted one's token is worth nothing at once.
    fn by_token(&self, token: &str) -> Result<Principal, Denied> {
        if let Some(name) = self.instances.name(token) {
            return Ok(Principal::superuser(name));
        }
        let claims = self.signer.read(token).map_err(|error| Denied::Token(error.as_str()))?;
        if claims.machine {
            return self.by_machine(&claims);
        }
        let user = User::find(&self.objects, &claims.sub)?.ok_or(Denied::Revoked)?;
        if !self.signer.fits(&claims, &user.secret) {
            return Err(Denied::Revoked);
        }
        let roles = match &claims.roles {
            Some(wanted) => user.narrowed(&self.objects, wanted)?,
            None => user.roles(&self.objects)?,
        };
        Ok(self.principal(&user, roles)?.until(claims.ends_s()))
    }

    /// A machine's token is good while the machine has that Secret, and a job's one until the job is over.
    fn by_machine(&self, claims: &TokenClaims) -> Result<Principal, Denied> {
        let uuid = &claims.sub;
        let machine = self.objects.get(MACHINES, uuid)?.filter(|machine| machine.text("Uuid") == *uuid);
        let machine = machine.ok_or(Denied::Revoked)?;
        if !self.signer.fits(claims, &machine.text("Secret")) {
            return Err(Denied::Revoked);
        }
        let job = match &claims.job {
            None => None,
            Some(key) => {
                let runs = |job: &Arc<RawModel>| job.text("Machine") == *uuid && !is_over(&job.text("State"));
                Some(self.objects.get(JOBS, key)?.filter(runs).ok_or(Denied::Revoked)?)
            }
        };
        let role = machines::role(&machine, job.as_deref());
        Ok(Principal::new(format!("runner:{uuid}"), [role]).until(claims.ends_s()))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn unwritable(error: serde_json::Error) -> Error {
    Error::new(500, "", error.to_string())
}
