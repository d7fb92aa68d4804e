//! Following the sources of a provider: built again when they change, and put in the place of the one before.

mod stage;
mod tree;

use std::{path::Path, sync::Arc, time::Duration};

use drp_core::{Params, PluginProvider};

use self::{stage::Stage, tree::Tree};
use super::{Session, demo, plugin::Plugins};
use crate::{
    build::{self, Profile},
    cli::RunArgs,
    exit::{Exit, Failure},
    show,
};

/// Time between two looks at the files. Looking works on every file system and in every container, which being told
/// does not.
const LOOK_TIME: Duration = Duration::from_millis(500);
/// Files are let come to rest for so long before something is done with them.
const SETTLE_TIME: Duration = Duration::from_millis(200);
/// Looks after which nobody waits for rest any more: something is written all the time.
const SETTLE_LOOKS_MAX: u32 = 50;

/// One path that the user named.
struct Watched<'a> {
    path: &'a Path,
    /// The executable that was built of it, whose sources are known by it.
    executable: Option<std::path::PathBuf>,
    stage: Stage,
    seen: Tree,
    /// Its provider, once one was loaded.
    provider: Option<String>,
}

/// Runs each provider and replaces it whenever its sources, or its executable, have changed. What fails leaves the one
/// before in service. Ends by an error of the server only.
pub(super) async fn follow(session: &Session, args: &RunArgs, params: &Params) -> Result<Exit, Failure> {
    let mut watched = Vec::new();
    for path in &args.paths {
        watched.push(Watched { path, executable: None, stage: Stage::new()?, seen: Tree::default(), provider: None });
    }
    for one in &mut watched {
        one.replace(session, args, params).await?;
    }
    show::step(show::GOOD, "watching", "for changes, until Ctrl-C");
    loop {
        tokio::time::sleep(LOOK_TIME).await;
        for one in &mut watched {
            if one.has_changed().await {
                one.replace(session, args, params).await?;
            }
        }
    }
}

impl Watched<'_> {
    /// Builds it, puts it in service and plays with it. What goes wrong is shown: whoever watches wants to mend it.
    ///
    /// # Errors
    /// There is nothing that could be built or run, and never was.
    async fn replace(&mut self, session: &Session, args: &RunArgs, params: &Params) -> Result<(), Failure> {
        self.seen = Tree::at_rest(self.path, self.executable.as_deref()).await;
        let before = self.provider.clone();
        match self.load(session).await {
            Ok((mut plugins, provider)) => {
                // From the second time on the params are the user's, who may have changed them.
                let none = Params::from(std::collections::BTreeMap::new());
                let params = if before.is_some() { &none } else { params };
                if let Err(failure) = play(session, args, &mut plugins, provider, params).await {
                    tell(&failure, "it is loaded all the same");
                }
            }
            Err(failure) if failure.exit == Exit::Usage && self.executable.is_none() => return Err(failure),
            Err(failure) if before.is_some() => tell(&failure, "the one before stays in service"),
            Err(failure) => tell(&failure, "nothing is in service yet"),
        }
        Ok(())
    }

    /// Builds it and puts it in the place of the one before.
    async fn load<'s>(&mut self, session: &'s Session) -> Result<(Plugins<'s>, Arc<PluginProvider>), Failure> {
        let built = build::executable(self.path, Profile::Release).await;
        self.executable = built.as_ref().ok().cloned().or(self.executable.take());
        // Now its sources are known. What was changed during the build is found by the next look.
        self.seen = Tree::of(self.path, self.executable.as_deref()).await.with_marks_of(&self.seen);
        let built = built?;
        let plugins = Plugins::follow(&session.client).await?;
        if let Some(provider) = &self.provider {
            plugins.forget_errors(provider).await?;
        }
        let staged = self.stage.put(&built)?;
        match session.load(staged.path()).await {
            Ok(provider) => {
                staged.keep();
                self.provider = Some(provider.name.clone());
                Ok((plugins, provider))
            }
            Err(failure) => {
                staged.put_back()?;
                Err(failure)
            }
        }
    }

    async fn has_changed(&self) -> bool {
        Tree::of(self.path, self.executable.as_deref()).await != self.seen
    }
}

/// Configures the plugin of a provider that was loaded just now, and runs the actions.
async fn play(
    session: &Session,
    args: &RunArgs,
    plugins: &mut Plugins<'_>,
    provider: Arc<PluginProvider>,
    params: &Params,
) -> Result<(), Failure> {
    plugins.configure(&provider.name, params, args.waits()).await?;
    show::step(show::GOOD, "configured", &format!("plugin {}", provider.name));
    let wanted = demo::parse_wanted(args)?;
    if args.demo || !wanted.is_empty() {
        // The view shows what failed, which is no reason to end.
        demo::play(&session.client, &[provider], args.demo, wanted).await?;
    }
    Ok(())
}

fn tell(failure: &Failure, consequence: &str) {
    show::complain(&failure.to_string());
    show::step(show::BAD, "failed", &format!("{consequence}; waiting for a change"));
}

impl Tree {
    /// As [`Tree::of`], once it stays the same for a moment: editors and linkers write in pieces.
    async fn at_rest(path: &Path, executable: Option<&Path>) -> Self {
        let mut before = Self::of(path, executable).await;
        for _ in 0..SETTLE_LOOKS_MAX {
            tokio::time::sleep(SETTLE_TIME).await;
            let now = Self::of(path, executable).await;
            if now == before {
                break;
            }
            before = now;
        }
        before
    }
}
