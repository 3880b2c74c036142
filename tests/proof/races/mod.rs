//! Races, each with both stores: two nodes at one stream, writers that die half-way, answers that are lost.

mod dying;
mod following;
mod meeting;
mod reading;
mod repeats;
mod stage;

/// Makes a test of each function for both stores.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name(crate::place::sqlite()).await;
                }
            )+
        }
        mod mongodb {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name(crate::place::mongodb().await).await;
                }
            )+
        }
    };
}
use on_both;
