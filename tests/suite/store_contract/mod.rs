//! What every store must do: one list of behaviours, told for each store.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

pub(crate) mod accounts;
mod calls;
mod ended;
pub(crate) mod files;
mod folding;
mod invites;
mod listed;
mod log;
mod people;
mod places;
mod races;
mod rooms;
mod sessions;
mod stream;
mod trimming;

mod mongo;
mod random;
mod sqlite;

use std::{any::Any, sync::Arc};

use parlor::store::Store;

/// A store that is empty, and what it needs to be there.
pub(crate) struct Fresh {
    /// The store; given back before what it needs.
    pub(crate) store: Arc<dyn Store>,
    /// A temporary folder, say; dropped with it.
    pub(crate) _needs: Box<dyn Any + Send>,
}

/// Makes a module of tests in which the stores that `$fresh` gives (an async function that returns a [`Fresh`]) pass
/// the contract, each test with a store of its own.
macro_rules! store_contract {
    ($name:ident, $fresh:path) => {
        mod $name {
            store_contract!(@tests $fresh, log:
                an_append_goes_in_whole_and_in_order,
                an_append_that_does_not_begin_at_the_head_leaves_nothing,
                a_stream_has_one_first_append,
                an_append_upon_another_history_is_refused,
                an_append_with_a_known_nonce_is_refused_whole,
                an_append_that_holds_a_nonce_twice_is_refused_whole,
                a_nonce_is_known_in_its_own_stream_only,
                an_append_may_be_as_large_as_is_allowed,
                reading_begins_with_the_append_that_holds_the_next_entry,
                reading_ends_with_the_append_that_holds_the_last_entry_asked_for,
                reading_past_the_head_finds_nothing,
                heads_of_many_streams_come_together,
                what_was_acknowledged_is_read_behind_a_barrier,
                streams_come_page_by_page,
                entries_are_found_by_their_nonces,
            );
            store_contract!(@tests $fresh, ended:
                what_ended_without_an_entry_never_goes_in,
                what_went_in_does_not_end_otherwise,
                how_it_ended_first_counts,
                what_ended_is_no_part_of_the_log,
                an_append_and_an_end_race_for_a_nonce,
                what_ended_is_forgotten_when_it_is_old,
            );
            store_contract!(@tests $fresh, races:
                of_many_at_one_head_one_wins,
                many_writers_leave_a_dense_log_whose_tags_chain,
                many_streams_are_written_at_once,
                of_many_with_one_nonce_one_wins,
            );
            store_contract!(@tests $fresh, folding:
                documents_go_in_with_their_append,
                documents_of_a_refused_append_do_not_go_in,
                a_document_is_replaced_by_a_higher_rev_only,
                what_something_follows_from_keeps_the_watermark,
                an_append_behind_an_unfolded_one_leaves_the_watermark,
                a_watermark_moves_from_where_it_is_said_to_be,
                of_many_who_fold_the_same_one_moves_the_watermark,
                after_catching_up_appends_fold_by_themselves,
                what_is_unfolded_is_found_until_it_is_folded,
            );
            store_contract!(@tests $fresh, trimming:
                old_appends_are_taken_out_but_for_the_last,
                what_is_not_folded_is_kept,
                an_append_goes_when_its_last_entry_is_old,
                reading_past_what_was_taken_out_begins_where_the_log_does,
                a_nonce_that_was_taken_out_is_forgotten,
                many_appends_are_taken_out_together,
            );
            store_contract!(@tests $fresh, rooms:
                rooms_are_found_by_id,
                public_rooms_come_by_name_page_by_page,
                rooms_of_one_name_come_by_id,
                public_rooms_are_searched_by_any_part_of_their_name,
                a_room_that_is_not_public_is_not_listed,
                a_renamed_room_is_found_by_its_new_name,
                members_come_page_by_page_without_those_who_left,
                memberships_tell_also_who_left,
            );
            store_contract!(@tests $fresh, places:
                messages_of_a_range_come_from_either_end,
                messages_are_found_by_their_places,
                a_message_comes_in_its_present_state,
                pinned_messages_come_the_newest_first_page_by_page,
                what_is_unpinned_or_deleted_is_no_longer_among_the_pinned,
            );
            store_contract!(@tests $fresh, listed:
                a_list_holds_the_rooms_one_is_a_member_of,
                nothing_from_before_joining_is_unread,
                a_read_mark_never_goes_back,
                mentions_by_others_are_counted_while_unread,
                a_mention_of_everyone_is_counted_for_all_but_its_author,
                an_edit_adds_and_takes_back_mentions,
                a_deleted_message_mentions_nobody,
                a_reaction_leaves_the_count_alone,
                drafts_are_kept_until_they_are_empty,
            );
            store_contract!(@tests $fresh, files:
                an_upload_is_kept_until_it_ends,
                a_file_ends_its_upload,
                a_content_lies_at_one_place,
                a_content_is_dropped_when_no_file_has_it,
                a_content_that_is_kept_and_dropped_at_once_keeps_its_files,
                only_ones_own_files_are_attached,
                what_is_due_is_found_until_it_is_settled,
                files_are_found_by_the_messages_that_hold_them,
                many_uploads_are_counted,
            );
            store_contract!(@tests $fresh, people:
                people_are_found_by_id_and_by_name,
                people_are_found_by_how_either_name_begins,
                people_come_by_name_page_by_page,
                a_changed_profile_is_found_by_its_new_name,
                what_a_person_says_of_the_moment_is_kept,
            );
            store_contract!(@tests $fresh, accounts:
                an_account_is_found_by_name_and_id,
                a_name_belongs_to_one_account,
                a_repeated_registration_returns_the_first_account,
                a_server_has_one_owner,
                an_account_is_completed,
                a_password_is_replaced,
            );
            store_contract!(@tests $fresh, invites:
                an_invitation_is_used_up_exactly,
                a_refused_account_uses_nothing_up,
                a_repeated_registration_uses_nothing_up,
                an_invitation_that_is_over_is_not_good,
                an_ended_invitation_is_not_good,
                invitations_are_listed_the_newest_first,
            );
            store_contract!(@tests $fresh, calls:
                a_room_has_one_call,
                of_many_who_take_a_call_over_one_has_it,
                a_call_that_is_over_leaves_the_room_to_another,
                calls_of_a_silent_node_are_found_the_longest_first,
            );
            store_contract!(@tests $fresh, sessions:
                a_session_is_found_by_secret_and_id,
                a_secret_and_an_id_belong_to_one_session,
                an_expired_session_is_not_found,
                a_used_session_lives_longer,
                a_rotated_secret_proves_the_session_as_used,
                of_many_who_rotate_one_wins,
                an_ended_session_is_gone,
                an_arrival_is_what_the_single_looks_tell,
                sessions_of_a_person_come_the_last_used_first,
                a_sweep_takes_out_what_is_over,
            );
        }
    };
    (@tests $fresh:path, $behaviour:ident: $($test:ident),+ $(,)?) => {
        mod $behaviour {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let fresh = $fresh().await;
                    $crate::store_contract::$behaviour::$test(fresh.store.clone()).await;
                }
            )+
        }
    };
}

store_contract!(in_sqlite, super::super::sqlite::fresh);
store_contract!(in_mongodb, super::super::mongo::fresh);
