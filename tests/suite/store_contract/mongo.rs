//! A store in MongoDB; what is its alone is in `store_mongo`.

use std::sync::Arc;

use super::Fresh;
use crate::store_mongo::Place;

/// A store in a database of its own.
pub(super) async fn fresh() -> Fresh {
    let place = Place::new().await;
    Fresh { store: Arc::new(place.store().await), _needs: Box::new(place) }
}
