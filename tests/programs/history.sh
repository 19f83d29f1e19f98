# What scripts do with git, without a network.
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_AUTHOR_DATE='2001-02-03 04:05:06 +0000'
export GIT_COMMITTER_NAME=c GIT_COMMITTER_EMAIL=c@example.org GIT_COMMITTER_DATE='2001-02-03 04:05:06 +0000'
export GIT_PAGER=cat GIT_EDITOR=true GIT_CONFIG_NOSYSTEM=1

step() {
	echo "== $*"
}

step beginning
git init -q -b main repo
cd repo || exit 1
git config core.autocrlf false
mkdir -p src/deep
seq 100 >src/numbers
printf 'int main(void) { return 0; }\n' >src/main.c
printf '*.o\n/build/\n' >.gitignore
ln -s main.c src/link
chmod +x src/main.c
touch src/main.o src/deep/file
git status --short
git add . && git status
git commit -q -m first && git log --stat
git add none
git commit -m nothing

step changing
sed -i 's/^5$/five/' src/numbers
echo untracked >new
git diff
git diff --stat --check
git commit -aqm second
git mv src/main.c src/program.c
git rm -q src/deep/file
git diff --cached -M --name-status
git commit -qm third
git show --stat HEAD
git log --oneline --graph --decorate
git blame -s src/numbers | head -n 6
git stash -u
git stash pop
git clean -n
git ls-files -s
git ls-tree -r HEAD
git grep -n main
git check-ignore -v src/main.o none
git cat-file -p HEAD
git rev-parse HEAD~1 none
git describe --always

step branching
git switch -qc side HEAD~1
sed -i 's/^50$/fifty/' src/numbers
git commit -aqm side
git switch -q main
git merge -q -m merged side && git log --oneline --graph
git switch -qc clash HEAD~1
sed -i 's/^50$/half/' src/numbers
git commit -aqm clash
git merge side
git diff
git merge --abort
git checkout -q main
git cherry-pick clash
git cherry-pick --abort
git rebase clash
git rebase --abort
git reset -q --hard main
git revert --no-edit HEAD~1 -m 1
git revert --no-edit HEAD
git tag -a -m tagged v1 && git tag -l -n1
git branch -vv
git branch -d side
git branch -D clash
git format-patch -q -o ../patches HEAD~2
git archive --format=tar v1 | tar -tf -
git worktree add -q ../tree v1 && git worktree list | sed 's|/.*/||'

step copies
git clone -q . ../clone
git -C ../clone log --oneline -1
echo hook >.git/hooks/pre-commit.sample
printf '#!/bin/sh\necho hooked; env | grep -c GIT_\nexit 1\n' >.git/hooks/pre-commit
chmod +x .git/hooks/pre-commit
git commit --allow-empty -m hooked
rm .git/hooks/pre-commit
git init -q --bare ../bare.git
git push -q ../bare.git main v1
git -C ../clone fetch -q ../bare.git main
git -C ../clone am -q ../patches/*
git bundle create -q ../all.bundle main
git bundle verify -q ../all.bundle
git repack -adq && git gc -q && git fsck --full
git count-objects
git submodule -q add ../bare.git sub
git -c protocol.file.allow=always submodule -q add ../bare.git sub
git submodule status
git no-such-command
git reflog
cd ..
# An index has the times and inodes of the files that are in it.
find . -name index -type f -delete
