"""A session of the library Mastodon.py: signs in as a program would and uses
what people use, looking at what each answer says.

Talks to the test in lines of JSON on standard output: {"authorize": URL} asks
for the code a person gets there, which comes back as one line on standard
input; {"calls": [...]} lists the different calls at the end.
"""

import json
import os
import queue
import sys
import threading
import time

from mastodon import Mastodon, MastodonAPIError, MastodonNotFoundError, StreamListener

url = os.environ["COHORT_URL"]
picture = os.environ["COHORT_PICTURE"]
remote = os.environ["COHORT_REMOTE"]
remote_url = os.environ["COHORT_REMOTE_URL"]
remote_token = os.environ["COHORT_REMOTE_TOKEN"]
remote_post = os.environ["COHORT_REMOTE_POST"]
scopes = ["read", "write", "follow", "push"]
calls = set()


def say(**line):
    print(json.dumps(line), flush=True)


def check(fact, what, *seen):
    if not fact:
        raise AssertionError("%s: %s" % (what, ", ".join(repr(s) for s in seen)))


class Counted:
    """Passes calls on to a client and remembers their names."""

    def __init__(self, client):
        self.client = client

    def __getattr__(self, name):
        method = getattr(self.client, name)
        if not callable(method):
            return method

        def call(*args, **named):
            calls.add(name)
            return method(*args, **named)

        return call


class Listener(StreamListener):
    """Puts what a stream brings into a queue, and keeps what nobody waited for yet."""

    def __init__(self):
        self.events = queue.Queue()
        self.kept = []
        self.opened = threading.Event()

    def handle_stream(self, response):
        self.opened.set()
        super().handle_stream(response)

    def on_update(self, status):
        self.events.put(("update", status))

    def on_notification(self, notification):
        self.events.put(("notification", notification))

    def on_delete(self, status_id):
        self.events.put(("delete", status_id))

    def on_status_update(self, status):
        self.events.put(("status.update", status))

    def on_abort(self, err):
        self.events.put(("abort", err))

    def wait(self, kind, fits):
        for event in self.kept:
            if event[0] == kind and fits(event[1]):
                self.kept.remove(event)
                return event[1]
        while True:
            try:
                event = self.events.get(timeout=20)
            except queue.Empty:
                raise AssertionError("no %s on the stream, but %r" % (kind, self.kept)) from None
            check(event[0] != "abort", "the stream broke off", event[1])
            if event[0] == kind and fits(event[1]):
                return event[1]
            self.kept.append(event)


def sign_in():
    client_id, secret = Mastodon.create_app(
        "Otter for tests", scopes=scopes, website="https://otter.example", api_base_url=url)
    calls.add("create_app")
    client = Counted(Mastodon(client_id=client_id, client_secret=secret, api_base_url=url,
                              ratelimit_method="throw", version_check_mode="changed"))
    say(authorize=client.auth_request_url(scopes=scopes, state="a b&c"))
    client.log_in(code=sys.stdin.readline().strip(), scopes=scopes)
    check(client.app_verify_credentials()["name"] == "Otter for tests", "the app's name")
    return client


def about_the_place(me):
    instance = me.instance()
    check(instance["title"] == "Otters' School", "the title", instance["title"])
    check(instance["urls"]["streaming_api"].startswith("ws://"), "the streaming address")
    check(instance["configuration"]["statuses"]["max_characters"] >= 500, "the length of a post")
    check(me.instance_nodeinfo()["software"]["name"] == "cohort", "the name of the software")
    check(me.instance_rules() == [], "the rules")
    check(me.custom_emojis() == [] and me.announcements() == [], "emojis and announcements")
    check(me.stream_healthy() is True, "whether streams are served")
    check(me.preferences()["posting:default:visibility"] == "public", "the preferences")
    check(me.lists() == [] and me.filters() == [], "lists and filters")
    check(me.verify_minimum_version("3.5.0"), "the version")


def profile(me):
    mine = me.account_update_credentials(
        display_name="Pÿ 海獭", note="Swims #daily", avatar=picture, locked=False,
        fields=[("Home", "the river"), ("Food", "fish")])
    check(mine["display_name"] == "Pÿ 海獭", "the name", mine["display_name"])
    check([(f["name"], f["value"]) for f in mine["fields"]] == [("Home", "the river"), ("Food", "fish")], "the table", mine["fields"])
    mine = me.account_verify_credentials()
    check(mine["acct"] == "pia" and mine["source"]["note"] == "Swims #daily", "who I am", mine["source"])
    check("/static/" not in mine["avatar"], "the picture", mine["avatar"])
    check(me.session.get(mine["avatar"]).headers["content-type"].startswith("image/"), "the picture's address")
    check(me.account(mine["id"])["id"] == mine["id"], "the account by its id")
    check(me.account_lookup("@pia")["id"] == mine["id"], "the account by its name")
    return mine


def posts(me, other, mine):
    media = me.media_post(picture, description="Two otters", focus=(0.5, -0.5))
    check(media["type"] == "image" and media["description"] == "Two otters", "the picture", media)
    check(media["meta"]["original"]["width"] == 640 and media["meta"]["focus"]["x"] == 0.5, "its size", media["meta"])
    check(len(media["blurhash"]) > 6, "its blurhash", media["blurhash"])
    check(me.media_update(media, description="Two wet otters")["description"] == "Two wet otters", "its new text")
    check(me.media(media)["id"] == media["id"], "the picture by its id")

    post = me.status_post("Hello @quentin, a #Picture <b>", media_ids=[media], language="en", idempotency_key="one")
    check(post["media_attachments"][0]["description"] == "Two wet otters", "the post's picture", post["media_attachments"])
    check([t["name"].lower() for t in post["tags"]] == ["picture"], "the tags", post["tags"])
    check([m["acct"] for m in post["mentions"]] == ["quentin"], "the mentions", post["mentions"])
    check("&lt;b&gt;" in post["content"] and "<b>" not in post["content"], "the escaping", post["content"])
    check(post["edited_at"] is None and post["visibility"] == "public", "edited and visibility", post)
    again = me.status_post("Hello again", idempotency_key="one")
    check(again["id"] == post["id"], "the same key makes the same post", again["id"], post["id"])
    check(me.status(post)["uri"] == post["uri"], "the post by its id")

    reply = other.status_reply(post, "Welcome!", untag=False)
    check(reply["in_reply_to_id"] == post["id"], "what the reply answers", reply["in_reply_to_id"])
    context = me.status_context(post)
    check([s["id"] for s in context["descendants"]] == [reply["id"]], "the conversation", context)
    check(me.status(post)["replies_count"] == 1, "the count of replies")

    hidden = me.status_post("Behind a note", spoiler_text="Careful", sensitive=True, visibility="unlisted")
    check(hidden["spoiler_text"] == "Careful" and hidden["sensitive"] and hidden["visibility"] == "unlisted", "the note", hidden)
    private = me.status_post("For followers", visibility="private")
    direct = me.status_post("@quentin only for you", visibility="direct")
    check(other.status(direct)["visibility"] == "direct", "the direct post as its reader sees it")
    try:
        other.status(private)
        check(False, "a post for followers was shown to someone else")
    except MastodonNotFoundError:
        pass

    edited = me.status_update(post, status="Hello, edited #Picture", media_ids=[media])
    check(edited["edited_at"] is not None and "edited" in edited["content"], "the edit", edited)
    check(me.status_source(post)["text"] == "Hello, edited #Picture", "the source")
    history = me.status_history(post)
    check(len(history) == 2 and "@" in history[0]["content"], "the history", history)
    me.status_delete(hidden)
    try:
        me.status(hidden)
        check(False, "a deleted post is still there")
    except MastodonNotFoundError:
        pass
    try:
        other.status_delete(post)
        check(False, "someone else's post was deleted")
    except MastodonAPIError:
        pass
    return post, reply


def reactions(me, other, post, reply):
    check(me.status_favourite(reply)["favourited"], "liking")
    check([s["id"] for s in me.favourites()] == [reply["id"]], "what I like")
    check([a["acct"] for a in me.status_favourited_by(reply)] == ["pia"], "who likes it")
    check(not me.status_unfavourite(reply)["favourited"] and me.favourites() == [], "liking no more")
    check(me.status_bookmark(reply)["bookmarked"], "keeping")
    check([s["id"] for s in me.bookmarks()] == [reply["id"]], "what I keep")
    check(not me.status_unbookmark(reply)["bookmarked"], "keeping no more")
    boost = other.status_reblog(post)
    check(boost["reblog"]["id"] == post["id"] and boost["reblogged"] and boost["reblog"]["reblogged"], "boosting", boost["reblogged"])
    check([a["acct"] for a in me.status_reblogged_by(post)] == ["quentin"], "who boosted it")
    check(me.status(post)["reblogs_count"] == 1, "the count of boosts")
    undone = other.status_unreblog(post)
    check(undone["id"] == post["id"] and not undone["reblogged"], "boosting no more", undone["reblogged"])
    check(me.status_pin(post)["pinned"], "pinning")
    check([s["id"] for s in me.account_statuses(post["account"], pinned=True)] == [post["id"]], "what I pinned")
    check(not me.status_unpin(post)["pinned"], "pinning no more")
    check(me.status_mute(post)["muted"] and not me.status_unmute(post)["muted"], "silencing a conversation")


def people(me, other, mine):
    them = me.account_search("quen")[0]
    check(them["acct"] == "quentin", "who is found", them)
    check(me.account_follow(them)["following"], "following")
    check(other.account_follow(mine)["following"], "being followed")
    check([a["acct"] for a in me.account_following(mine)] == ["quentin"], "whom I follow")
    check([a["acct"] for a in me.account_followers(mine)] == ["quentin"], "who follows me")
    relation = me.account_relationships(them)[0]
    check(relation["following"] and relation["followed_by"] and not relation["blocking"], "how we stand", relation)
    check(me.account_mute(them)["muting"] and [a["acct"] for a in me.mutes()] == ["quentin"], "muting")
    check(not me.account_unmute(them)["muting"], "muting no more")
    check(me.account_block(them)["blocking"] and [a["acct"] for a in me.blocks()] == ["quentin"], "blocking")
    check(not me.account_relationships(them)[0]["following"], "blocking ends following")
    check(not me.account_unblock(them)["blocking"], "blocking no more")
    check(me.account_follow(them)["following"] and not me.account_unfollow(them)["following"], "following no more")

    other.account_update_credentials(locked=True)
    check(me.account_follow(them)["requested"], "asking to follow")
    check([a["acct"] for a in other.follow_requests()] == ["pia"], "who asks")
    check(other.follow_request_authorize(mine)["followed_by"], "letting in")
    check(me.account_relationships(them)[0]["following"], "being let in")
    other.account_follow(mine)
    return them


def timelines(me, other, post, them):
    newest = other.status_post("From quentin #fish")
    home = me.timeline_home(limit=40)
    check(newest["id"] in [s["id"] for s in home], "home has the post of someone I follow", [s["content"] for s in home])
    check(post["id"] in [s["id"] for s in me.timeline_local()], "the local timeline")
    check(post["id"] in [s["id"] for s in me.timeline_public()], "the public timeline")
    check([s["id"] for s in me.timeline_hashtag("fish")] == [newest["id"]], "a tag's timeline")
    check(newest["id"] in [s["id"] for s in me.account_statuses(them, exclude_replies=True)], "someone's posts")

    seen, page = [], me.timeline_home(limit=1)
    while page:
        seen += [s["id"] for s in page]
        page = me.fetch_next(page)
    check(seen == [s["id"] for s in home] and len(set(seen)) == len(seen), "home page by page", seen)
    above = me.timeline_home(min_id=seen[-1], limit=1)
    check([s["id"] for s in above] == [seen[-2]], "the post just above", above)

    marked = me.markers_set(["home"], [newest])
    check(marked["home"]["last_read_id"] == newest["id"], "the marker", marked)
    check(me.markers_get(["home"])["home"]["last_read_id"] == newest["id"], "the marker again")


def search(me):
    found = me.search(remote, resolve=True, result_type="accounts")["accounts"]
    check([a["acct"] for a in found] == [remote], "someone on another server", found)
    post = me.search(remote_post, resolve=True, result_type="statuses")["statuses"]
    check(len(post) == 1 and "from afar" in post[0]["content"], "a post on another server", post)
    tags = me.search_v2("pict", result_type="hashtags")["hashtags"]
    check("picture" in [t["name"].lower() for t in tags], "a tag", tags)
    relation = me.account_follow(found[0])
    check(relation["following"] or relation["requested"], "following across servers", relation)
    for _ in range(200):
        if me.account_relationships(found[0])[0]["following"]:
            return
        time.sleep(0.1)
    check(False, "the other server does not accept")


def live(me, other):
    listener = Listener()
    me.stream_user(listener, run_async=True, timeout=30)
    check(listener.opened.wait(20), "the stream did not open")
    theirs = Counted(Mastodon(access_token=remote_token, api_base_url=remote_url, ratelimit_method="throw"))
    near = other.status_post("Live, and for @pia")
    check(listener.wait("update", lambda s: s["id"] == near["id"])["account"]["acct"] == "quentin", "the post on the stream")
    told = listener.wait("notification", lambda n: n["type"] == "mention")
    check(told["status"]["id"] == near["id"], "the notification on the stream", told)
    other.status_update(near, status="Live, and changed for @pia")
    check("changed" in listener.wait("status.update", lambda s: s["id"] == near["id"])["content"], "the edit on the stream")
    other.status_delete(near)
    listener.wait("delete", lambda i: int(i) == near["id"])
    theirs.status_post("From afar and live")
    check(listener.wait("update", lambda s: "afar and live" in s["content"])["account"]["acct"] == remote, "the other server's post on the stream")


def notifications(me, other):
    other.status_post("@pia once more")
    mine = me.notifications()
    kinds = {n["type"] for n in mine}
    check({"mention", "follow"} <= kinds, "the notifications", kinds)
    one = mine[0]
    check(me.notifications(id=one["id"])["id"] == one["id"], "one notification")
    check({n["type"] for n in me.notifications(types=["follow"])} == {"follow"}, "those of one kind")
    me.notifications_dismiss(one)
    check(one["id"] not in [n["id"] for n in me.notifications()], "one is put away")
    me.notifications_clear()
    check(me.notifications() == [], "all are put away")


def main():
    me = sign_in()
    other = Counted(Mastodon(access_token=os.environ["COHORT_OTHER_TOKEN"], api_base_url=url, ratelimit_method="throw"))
    about_the_place(me)
    mine = profile(me)
    post, reply = posts(me, other, mine)
    reactions(me, other, post, reply)
    them = people(me, other, mine)
    timelines(me, other, post, them)
    search(me)
    live(me, other)
    notifications(me, other)
    revoked = Mastodon(access_token=me.access_token, api_base_url=url, ratelimit_method="throw")
    me.revoke_access_token()
    try:
        revoked.timeline_home()
        check(False, "a token still works after it was revoked")
    except MastodonAPIError:
        pass
    say(calls=sorted(calls))


main()
os._exit(0)  # closing the stream would wait until more comes
