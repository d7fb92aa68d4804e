//! Users and their tokens (`models.md` §15).

use crate::{
    Access, Bundled, Info, List, Meta, Model, OrNull, Owned, Problem, Secret, Validation, names, problem::Problems,
    wire::wire_object,
};

wire_object! {
    /// Somebody who may ask the server.
    pub struct User {
        mixin validation: Validation,
        mixin access: Access,
        mixin meta: Meta,
        mixin owned: Owned,
        mixin bundled: Bundled,
        /// Its name, which is its key.
        "Name" name: String,
        /// One line for people.
        "Description" description: String,
        /// Base64 of the password's hash. Servers take it and never tell it.
        "PasswordHash" password_hash: OrNull<Secret> [omit],
        /// Changing it revokes the user's tokens.
        "Secret" secret: Secret,
        /// Names of its roles.
        "Roles" roles: List<String>,
    }
}

impl Model for User {
    const PREFIX: &'static str = "users";
    fn key(&self) -> String {
        self.name.clone()
    }

    fn validate(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        problems.require(names::is_user_name, "Invalid Name", "/Name", &self.name);
        problems.0
    }
}

wire_object! {
    /// A fresh token: the answer to `GET /users/NAME/token` and `GET /machines/UUID/token`.
    pub struct UserToken {
        /// The token.
        "Token" token: Secret,
        /// What the server says of itself.
        "Info" info: Info,
    }
}

wire_object! {
    /// A new password: the body of `PUT /users/NAME/password`.
    pub struct UserPassword {
        /// The password.
        "Password" password: Secret,
    }
}
