//! Lists that are fetched page by page.

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use drp_core::{Raw, RawModel, limits};
use futures_util::{Stream, StreamExt};
use serde::{Serialize, de::DeserializeOwned};

use super::{Objects, key_of, unquoted};
use crate::{BadAnswer, ClientError, Query, Request, answer};

/// The objects that a query wants, one by one, as a stream. Made by [`Objects::pages`].
///
/// An error ends the stream.
pub struct Pages<M> {
    state: Option<Walk<M>>,
    pending: Option<Fetch<M>>,
}

type Fetch<M> = Pin<Box<dyn Future<Output = Result<Walk<M>, ClientError>> + Send>>;

/// How far a list has been read.
struct Walk<M> {
    objects: Objects<M>,
    query: Query,
    page_objects: u64,
    /// The rest of the page that was fetched last.
    fetched: VecDeque<M>,
    /// The key of the last object of that page, where the list is in the order of keys.
    last_key: Option<String>,
    seen: u64,
    is_at_end: bool,
}

impl<M: Serialize + DeserializeOwned> Objects<M> {
    /// The objects that a query wants, in pages of [`limits::PAGE_OBJECTS`]: memory holds one page, however long the
    /// list is. The query's limit counts over all pages. Nothing is sent before the first object is asked for.
    ///
    /// A list in the order of keys, which is the usual one, goes on behind the last key of each page. So every object
    /// that is there all the time comes exactly once, whatever comes and goes meanwhile. A query that sorts by another
    /// index, or has a filter on `Key`, can only go on behind so many objects: what comes or goes before that place
    /// shifts the rest, so that an object may come twice or not at all.
    ///
    /// ```no_run
    /// # async fn example(client: drp_client::Client) -> Result<(), drp_client::ClientError> {
    /// use drp_client::Query;
    /// use drp_core::Machine;
    /// let mut machines = client.objects::<Machine>().pages(Query::new().slim("Params"));
    /// while let Some(machine) = machines.next().await {
    ///     println!("{}", machine?.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn pages(&self, query: Query) -> Pages<M> {
        let walk = Walk {
            objects: self.clone(),
            query,
            page_objects: limits::PAGE_OBJECTS,
            fetched: VecDeque::new(),
            last_key: None,
            seen: 0,
            is_at_end: false,
        };
        Pages { state: Some(walk), pending: None }
    }
}

impl<M: DeserializeOwned> Pages<M> {
    /// Pages of so many objects, from 1 to [`limits::PAGE_OBJECTS_MAX`].
    #[must_use]
    pub fn page_objects(mut self, objects: u64) -> Self {
        if let Some(walk) = &mut self.state {
            walk.page_objects = objects.clamp(1, limits::PAGE_OBJECTS_MAX);
        }
        self
    }
}

impl<M: DeserializeOwned + Send + 'static> Pages<M> {
    /// The next object, or `None` at the end.
    ///
    /// # Errors
    /// As [`Client::send`](crate::Client::send); the server does not keep to the order of keys.
    pub async fn next(&mut self) -> Option<Result<M, ClientError>> {
        StreamExt::next(self).await
    }
}

impl<M: DeserializeOwned> Walk<M> {
    /// Fetches the next page.
    async fn fetch(mut self) -> Result<Self, ClientError> {
        let left = self.query.most().map_or(u64::MAX, |most| most.saturating_sub(self.seen));
        let wanted = left.min(self.page_objects);
        if wanted == 0 {
            self.is_at_end = true;
            return Ok(self);
        }
        let part = self.query.part(self.last_key.as_deref(), self.seen, wanted);
        let request = Request::list(&self.objects.prefix)?.with(&part);
        let doing = request.to_string();
        let page: Vec<Raw> = self.objects.client.send(request).await?;
        let failed = |kind| ClientError::new(doing.clone(), kind);
        if self.query.is_free_of_keys() {
            let keys = keys(&self.objects.prefix, &page).map_err(|error| failed(answer::unexpected(error)))?;
            if self.last_key.is_some() && keys.iter().any(|key| key.is_some() && *key == self.last_key) {
                return Err(failed(BadAnswer::Order.into()));
            }
            self.last_key = keys.into_iter().last().flatten();
        }
        let count = page.len() as u64;
        // Servers that know no pages answer all at once.
        self.is_at_end = count != wanted || wanted == left;
        self.seen += count;
        let objects = page.iter().map(Raw::parse).collect::<Result<_, _>>();
        let objects = objects.map_err(|error| failed(answer::unexpected(error)));
        self.fetched = unquoted(&self.query, objects)?;
        Ok(self)
    }
}

fn keys(prefix: &str, page: &[Raw]) -> Result<Vec<Option<String>>, serde_json::Error> {
    page.iter().map(|object| Ok(key_of(prefix, &object.parse::<RawModel>()?))).collect()
}

impl<M: DeserializeOwned + Send + 'static> Stream for Pages<M> {
    type Item = Result<M, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(fetch) = &mut self.pending {
                let Poll::Ready(fetched) = fetch.as_mut().poll(context) else { return Poll::Pending };
                self.pending = None;
                match fetched {
                    Ok(walk) => self.state = Some(walk),
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
            }
            let Some(mut walk) = self.state.take() else { return Poll::Ready(None) };
            if let Some(object) = walk.fetched.pop_front() {
                self.state = Some(walk);
                return Poll::Ready(Some(Ok(object)));
            }
            if walk.is_at_end {
                return Poll::Ready(None);
            }
            self.pending = Some(Box::pin(walk.fetch()));
        }
    }
}

// Nothing in it is pinned in place.
impl<M> Unpin for Pages<M> {}

impl<M> fmt::Debug for Pages<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").finish_non_exhaustive()
    }
}
