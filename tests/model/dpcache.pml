/* The protocol of one key: who runs, who waits, what is kept and who may have it.
 * Checked by `make check-model`; tests/model/check says with which switches.
 *
 * Modelled, step by step as in lib/, each step open to all others:
 *   - inodes of locks/<key>: the path names one or none; made by open, taken away
 *     by unlink, or by rename to the shelf (shelve.c); alive while a descriptor, the
 *     path or the store refers to them. flock on them, exclusive and shared; a
 *     descriptor that goes from shared to exclusive holds nothing in between.
 *   - callers (dogpile.c, meet.c, lead.c, vault_commit), each asking once: look up,
 *     lead, follow, bury, run, commit under the write lock, retire. Some want a
 *     fresh run (--refresh), some run without a lock (--no-coalesce, or because a
 *     leader gave up), in a scratch file.
 *   - the head of the capsule, which recorder.c writes in two parts: between them
 *     it cannot be decoded (TORN) and reads as one of a run at work.
 *   - an invalidator: of the key (void the runs at work, remove under the write
 *     lock), or of all (raise the floor under the write lock).
 *   - the killing of a leader before each of its steps; its locks are freed. (What
 *     others held when they were killed might as well never have been taken.)
 *
 * Left out: all keys but one; inputs; --ttl (an entry lives until it is removed or
 * replaced); store and shelf are one entry, read and written in one step. A caller
 * whose wait is over leaves no trace; that one who gave up waiting runs beside a
 * stalled leader, even to keep what came of it, is covered by those who run without
 * a lock. A write lock that is not to be had is a result not worth keeping. Time is
 * an order, in which has_newer asks only: was that created after I began?
 * What cannot matter without an invalidator or without killing is then one step.
 *
 * Proved for the numbers of callers, kills and invalidations that `check` gives:
 *   ONE    at most one process leads in the file that the path names
 *   NEED   no leader runs when an answer for it was kept before it got the lock
 *   ORDER  a result is never kept over that of a run which began later
 *   VOID   who asks after an invalidation gets nothing of a run that began before
 *   WHOLE  who follows takes a whole result, of a run that was at work when it asked
 *          or later; and nobody writes to it while it is read, or once it is kept
 *   FRESH  who wants a fresh run follows only one that began after it asked
 *   END    every execution comes to an end, and nobody waits then
 *
 * Each rule left out by -D must break one of these:
 *   NO_INODE_CHECK       nobody compares descriptor and path after the lock
 *   REUSE                one leads in a file in which another has led
 *   NO_REREAD            the leader does not look again
 *   UNLINK_AFTER_UNLOCK  the leader lets go before it takes its file away
 *   KEEP_SHARED          one waits for the exclusive lock and keeps the shared one
 *   NO_RETIRE            the file of a dead leader is left where it is
 *   NO_FENCE             a late result is kept whatever is there
 *   FENCE_BY_CREATED     … only if what is there was created before it, for it would be
 *                        one from the future else; yet it may have waited to be kept
 *   NO_VOID_CHECK        a run that was voided is kept
 *   FOLLOW_VOIDED        one follows a run that had been voided when it came
 *   VOID_BY_HEAD         … that is, the word counts only in a head that can be decoded
 *   FOLLOW_ENDED         one takes the result of a run that had ended when it came */

#ifndef CALLERS
#define CALLERS 3
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef INVALIDATIONS
#define INVALIDATIONS 0
#endif

/* A descriptor of each caller and of the invalidator, the path, the store. */
#define INODES (CALLERS + 3)
#define INVALIDATOR 0 /* in fd[]; callers count from 1 */
#define NOBODY 255

#define EMPTY 0
#define BUILDING 1
#define TORN 2
#define DONE 3
#define ELSEWHERE 4
#define GIVEN_UP 5

#define bit_of(n) (1 << (n))

typedef inode {
	byte exclusive = NOBODY;
	byte shared;  /* bit n: caller n */
	byte state;
	bool voided;
	byte made_by; /* the run whose capsule it is */
	byte readers  /* bit n: caller n reads a result from it */
}

inode ino[INODES + 1]; /* 0: none */
byte path;             /* the inode that locks/<key> names */
byte fd[CALLERS + 1];
byte write_lock = NOBODY;
byte kept, kept_in;    /* the run whose result is stored; the inode, where it is large */

byte asked;     /* callers that have come */
byte runs;      /* runs so far: numbered in the order of their `started` */
byte running[CALLERS + 1]; /* the run that caller n is at */
byte created;   /* bit n: run n's result has got its time */
byte leading;   /* bit n: caller n leads in the current file */

#if INVALIDATIONS
byte floor, generation[CALLERS + 1];
byte begun;     /* bit n: run n's command has begun */
byte outdated;  /* bit n: run n began before an invalidation that is over */
byte scratch, scratch_voided; /* bit n: caller n has a scratch file, and its word */
#define is_valid(result, by) (result && generation[result] >= by)
#else
#define is_valid(result, by) (result)
#endif
byte kills = KILLS; /* still to come */
#if KILLS
byte over;      /* bit n: the leader that made run n is gone */
#endif

#define is_free(i) (ino[i].exclusive == NOBODY && ino[i].shared == 0)
#if CALLERS > 2
#define in_use(i) (i == path || i == kept_in || i == fd[0] || i == fd[1] || i == fd[2] || i == fd[3])
#else
#define in_use(i) (i == path || i == kept_in || i == fd[0] || i == fd[1] || i == fd[2])
#endif

/* The rules, and what is left of them without. */
#ifdef NO_INODE_CHECK
#define is_current(i) true
#else
#define is_current(i) (path == i)
#endif
#ifdef REUSE
#define is_new(i) true
#else
#define is_new(i) (ino[i].state == EMPTY && !ino[i].voided)
#endif
#ifdef NO_REREAD
#define sees(result) false
#else
#define sees(result) (result)
#endif
#ifdef NO_FENCE
#define has_newer false
#elif defined(FENCE_BY_CREATED)
#define has_newer (kept && !(created_before & bit_of(kept)) && (created_since & bit_of(kept)))
#else
#define has_newer (kept && !(created_before & bit_of(kept)))
#endif
#ifdef NO_VOID_CHECK
#define is_voided(word) false
#else
#define is_voided(word) (word)
#endif
#ifdef FOLLOW_VOIDED
#define knows_voided(i) false
#elif defined(VOID_BY_HEAD)
#define knows_voided(i) (ino[i].voided && ino[i].state != TORN)
#else
#define knows_voided(i) (ino[i].voided)
#endif
#ifdef NO_RETIRE
#define is_mine_to_retire(i) false
#else
#define is_mine_to_retire(i) (path == i)
#endif
#ifdef FOLLOW_ENDED
#define has_ended(i) false
#else
#define has_ended(i) (ino[i].state >= DONE)
#endif

/* An inode that nothing refers to is as good as new. */
inline collect(i)
{
	if
	:: i && !in_use(i) -> ino[i].state = EMPTY; ino[i].voided = false; ino[i].made_by = 0
	:: else
	fi;
	i = 0
}

inline take_path_away(who)
{
	leading = leading & ~bit_of(who);
	tmp = path;
	path = 0;
	collect(tmp)
}

inline unlock(who)
{
	leading = leading & ~bit_of(who);
	if
	:: ino[fd[who]].exclusive == who ->
		ino[fd[who]].exclusive = NOBODY;
#if KILLS
		if
		:: running[who] -> over = over | bit_of(running[who])
		:: else
		fi
#endif
	:: else
	fi;
	ino[fd[who]].shared = ino[fd[who]].shared & ~bit_of(who)
}

inline close_fd(who)
{
	unlock(who);
	ino[fd[who]].readers = ino[fd[who]].readers & ~bit_of(who);
	tmp = fd[who];
	fd[who] = 0;
	collect(tmp)
}

inline open_path(who)
{
	if
	:: path == 0 ->
		tmp = 1;
		do
		:: in_use(tmp) -> tmp++
		:: else -> break
		od;
		path = tmp;
		tmp = 0
	:: else
	fi;
	fd[who] = path
}

inline forget()
{
	want_fresh = false; seen_floor = 0; outdated_then = 0; over_then = 0; runs_then = 0;
	known = 0; created_before = 0; created_since = 0; was_voided = false; was_over = false;
	large = false; result = 0; running[me] = 0
}

inline die()
{
	kills--;
	if
	:: write_lock == me -> write_lock = NOBODY
	:: else
	fi;
	close_fd(me);
	forget();
	goto finished
}

/* Before each step of a leader. */
inline mortal()
{
	if
	:: kills -> die()
	:: true
	fi
}

inline write_state(what)
{
	assert(fd[me] != kept_in && ino[fd[me]].readers == 0); /* WHOLE */
	ino[fd[me]].state = what;
	ino[fd[me]].made_by = running[me]
}

/* Whatever a caller answers with, from the store or from a file. */
inline take(what)
{
	assert(!(outdated_then & bit_of(what))); /* VOID */
	skip
}

inline start_run()
{
	runs++;
	running[me] = runs;
	created_before = created;
#if INVALIDATIONS
	generation[runs] = seen_floor
#endif
}

inline get_created()
{
	created_since = created;
	created = created | bit_of(running[me])
}

inline put(what)
{
	if
	:: has_newer
	:: else ->
		assert(kept < what); /* ORDER */
		tmp = kept_in;
		kept_in = 0;
		collect(tmp);
		kept = what;
		if
		:: large -> kept_in = fd[me] /* linked into data/ */
		:: else
		fi
	fi;
	created_before = 0;
	created_since = 0
}

proctype caller(byte me)
{
	bool want_fresh;
	byte seen_floor, outdated_then, over_then, runs_then; /* as of when it asked */
	byte known;     /* the answer for it that was there as it got the lock */
	byte created_before, created_since;
	bool was_voided, was_over;
	bool large;
	byte result, tmp;

	atomic { /* They are all alike: so they may come in this order. */
		asked == me - 1;
		asked++;
#ifdef REFRESH
		if
		:: want_fresh = true; runs_then = runs
		:: true
		fi;
#endif
#if KILLS
		over_then = over;
#endif
#if INVALIDATIONS
		seen_floor = floor;
		outdated_then = outdated
	};
look:
	atomic {
#endif
		if
		:: !want_fresh && is_valid(kept, seen_floor) -> take(kept); forget(); goto finished
		:: else
		fi;
		if
		:: goto run_alone
		:: true
		fi
	};

join: /* try_to_lead */
	atomic { open_path(me) };
	atomic {
		if
		:: is_free(fd[me]) -> ino[fd[me]].exclusive = me
		:: else -> goto follow
		fi
	};
	atomic {
		if
		:: is_current(fd[me]) && is_new(fd[me]) ->
			leading = leading | bit_of(me);
			assert(leading == bit_of(me)); /* ONE */
			if
			:: !want_fresh && is_valid(kept, seen_floor) -> known = kept
			:: else
			fi;
			goto lead
		:: else
		fi
	};
retire: /* another's file */
	atomic {
		if
		:: is_mine_to_retire(fd[me])
		:: else -> close_fd(me); goto join
		fi
	};
	atomic { take_path_away(me) };
	atomic { close_fd(me); goto join };

follow:
	atomic { was_voided = knows_voided(fd[me]); was_over = has_ended(fd[me]) };
	atomic { ino[fd[me]].exclusive == NOBODY; ino[fd[me]].shared = ino[fd[me]].shared | bit_of(me) };
	atomic {
		result = ino[fd[me]].state;
		if
		:: result >= DONE && path != fd[me] -> skip
		:: else -> was_voided = false; was_over = false; result = 0; goto bury
		fi
	};
	/* take_part */
	atomic {
		if
		:: was_over -> result = 0
		:: else
		fi;
		was_over = false;
		if
		:: result == DONE && !was_voided && is_valid(ino[fd[me]].made_by, seen_floor) &&
		   (!want_fresh || ino[fd[me]].made_by > runs_then) ->
			result = ino[fd[me]].made_by;
			was_voided = false;
			unlock(me);
			ino[fd[me]].readers = ino[fd[me]].readers | bit_of(me)
		:: else ->
			was_voided = false;
			close_fd(me);
			if
			:: result == GIVEN_UP -> result = 0; goto run_alone
			:: result == ELSEWHERE && !want_fresh -> result = 0; goto look_again
			:: else -> result = 0; goto join
			fi
		fi
	};
	atomic {
		assert(ino[fd[me]].state == DONE && ino[fd[me]].made_by == result && !(over_then & bit_of(result))); /* WHOLE */
		assert(!want_fresh || result > runs_then); /* FRESH */
		take(result);
		close_fd(me);
		forget();
		goto finished
	};

look_again:
	atomic {
		if
		:: is_valid(kept, seen_floor) -> take(kept); forget(); goto finished
		:: else -> goto join
		fi
	};

bury:
#ifndef KEEP_SHARED
	atomic { unlock(me) };
#endif
	atomic {
		ino[fd[me]].exclusive == NOBODY && (ino[fd[me]].shared & ~bit_of(me)) == 0;
		ino[fd[me]].shared = 0;
		ino[fd[me]].exclusive = me;
		goto retire
	};

lead: /* meet.c: look again */
	atomic {
		mortal();
		if
		:: !want_fresh && sees(is_valid(kept, seen_floor)) -> take(kept); goto dismiss
		:: else -> assert(!known || kept != known) /* NEED */
		fi;
		known = 0;
		if
		:: true -> goto done /* meet_abandon */
		:: true
		fi
	};
	/* recorder_begin: the file is emptied, then gets its head; then the command begins. */
	atomic {
		mortal();
		start_run();
#if INVALIDATIONS
	};
	atomic {
		mortal();
#endif
		write_state(EMPTY);
		ino[fd[me]].voided = false;
#if INVALIDATIONS
	};
	atomic {
		mortal();
		write_state(BUILDING);
		begun = begun | bit_of(running[me])
#else
		write_state(BUILDING)
#endif
	};
	atomic {
		mortal();
		if
		:: goto done /* ended by a signal */
		:: write_state(GIVEN_UP); ino[fd[me]].voided = false; goto done
		:: get_created()
		fi;
#if INVALIDATIONS
		write_state(TORN)
	};
	atomic {
		mortal();
#endif
		write_state(DONE);
		if
		:: goto done /* not worth keeping */
		:: large = true
		:: true
		fi
	};
	/* vault_commit */
	atomic {
		if
		:: write_lock == NOBODY -> mortal()
		:: kills -> die()
		fi;
#if INVALIDATIONS
		if
		:: generation[running[me]] < floor || is_voided(ino[fd[me]].voided) -> large = false; goto done
		:: else
		fi;
#endif
		write_lock = me
	};
	atomic { mortal(); put(running[me]) };
	atomic {
		mortal();
		write_lock = NOBODY;
		if
		:: !large && path == fd[me] && kept == running[me] -> take_path_away(me) /* to the shelf */
		:: else
		fi;
		large = false
	};
	goto done;

dismiss:
	atomic { mortal(); known = 0; write_state(ELSEWHERE); ino[fd[me]].voided = false };

done: /* lock_retire */
#ifdef UNLINK_AFTER_UNLOCK
	atomic { mortal(); unlock(me) };
#endif
	atomic {
		mortal();
		if
		:: path == fd[me]
		:: else -> close_fd(me); forget(); goto finished
		fi
	};
	atomic { mortal(); take_path_away(me) };
	atomic { close_fd(me); forget(); goto finished };

run_alone:
	atomic {
		start_run();
#if INVALIDATIONS
		scratch = scratch | bit_of(me)
	};
	atomic {
		scratch_voided = scratch_voided & ~bit_of(me);
		begun = begun | bit_of(running[me])
#endif
	};
	atomic { get_created() };
	atomic {
		write_lock == NOBODY;
#if INVALIDATIONS
		if
		:: generation[running[me]] < floor || is_voided(scratch_voided & bit_of(me)) -> goto alone_done
		:: else
		fi;
		write_lock = me
	};
	atomic {
		write_lock = NOBODY;
#endif
		put(running[me])
	};
alone_done:
	atomic {
#if INVALIDATIONS
		scratch = scratch & ~bit_of(me);
		scratch_voided = scratch_voided & ~bit_of(me);
#endif
		forget()
	};
finished:
	skip
}

#if INVALIDATIONS
proctype invalidator()
{
	byte begun_then, i, left = INVALIDATIONS, tmp;
	do
	:: left ->
		atomic {
			left--;
			begun_then = begun;
			if
			:: goto all
			:: fd[INVALIDATOR] = path
			fi
		};
		/* void_run: of the leader … */
		if
		:: fd[INVALIDATOR] ->
			atomic {
				if
				:: is_free(fd[INVALIDATOR]) -> ino[fd[INVALIDATOR]].exclusive = INVALIDATOR
				:: else
				fi
			};
			ino[fd[INVALIDATOR]].voided = true;
			atomic { close_fd(INVALIDATOR) }
		:: else
		fi;
		/* … and of those in scratch files; one by one, but one does not know of another. */
		atomic { scratch_voided = scratch_voided | scratch };
		atomic { write_lock == NOBODY; write_lock = INVALIDATOR };
		atomic {
			kept = 0;
			tmp = kept_in;
			kept_in = 0;
			collect(tmp);
			write_lock = NOBODY;
			goto over_with
		};
all: /* vault_invalidate_all */
		atomic { write_lock == NOBODY; write_lock = INVALIDATOR };
		atomic { floor++; write_lock = NOBODY };
over_with:
		atomic { outdated = outdated | begun_then; begun_then = 0 }
	:: else -> break
	od
}
#endif

init {
	atomic {
		byte n = 1;
		do
		:: n <= CALLERS -> run caller(n); n++
		:: else -> break
		od;
#if INVALIDATIONS
		run invalidator();
#endif
		n = 0
	}
}
