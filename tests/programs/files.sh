# What shell scripts do with files, by the programs that they do it with.
# shellcheck disable=SC2164,SC2038 # what fails is part of it
set -u

step() {
	echo "== $*"
}

step making
mkdir -p a/b/c d
mkdir -m 700 private
mkdir a/b/c && echo 'made twice'
touch -d '2001-02-03 04:05:06' a/old
printf 'line %s\n' 3 1 2 2 >a/lines
: >d/empty
mktemp -u -p . nameXXXXXX >/dev/null
dd if=/dev/zero of=d/zeros bs=1k count=64 2>/dev/null
truncate -s 5000 d/sparse
seq 1000 >d/numbers
split -l 100 -d d/numbers d/part
printf 'odd\n' >"$(printf 'a/new\nline')"
printf 'odd\n' >'a/ space'
printf 'odd\n' >a/-dash
mkfifo d/fifo
umask 077
echo >private/file
umask 022

step copying, moving, linking
cp a/lines a/copy
cp -p a/old d/kept
cp -r a e
cp -a a/. f
cp -l a/lines a/hard
cp -s "$PWD/a/lines" d/sym
cp a/none d
cp a d
cp -u a/copy a/lines
cp --reflink=auto d/zeros d/zeros2
ln -s ../a/lines d/rel
ln -s none d/dangling
ln -s loop d/loop
ln a/copy d/hard2
ln -sfn ../a/b d/dir
ln a/lines a/copy
mv a/copy a/moved
mv a/moved d/dir
mv -n a/lines a/old
mv e e2
mv none nowhere
mv -T f d/f
install -m 640 a/lines d/installed
install -D -m 755 a/old deep/down/here
install -d -m 2755 group

step looking
ls -1 . a d
ls -lnG --time-style=+%s a/old d/kept
ls -F d
ls -R e2
ls none
stat -c '%n %F %a %h %s' a/* d/* private | sort
stat -L -c '%n %F' d/rel d/dir
stat d/none d/dangling/x
readlink d/sym d/rel d/dangling a/lines | sed "s|$PWD|.|"
readlink -f d/dir d/loop
realpath --relative-to=. d/rel d/dir/../c none/x
test -L d/rel && test -e d/rel && ! test -e d/dangling && test -L d/dangling && echo links
test -p d/fifo && test -d d/dir && test -s d/numbers && ! test -s d/empty && echo kinds
test a/lines -nt a/old && test a/lines -ef a/hard && echo ages
file=$(find . -name numbers) && echo "$file"
du -a --apparent-size d | sort -k 2
du -sb e2
df . >/dev/null && echo df
wc d/numbers a/lines
cksum a/lines
md5sum d/numbers
sha256sum d/numbers | sha256sum
sha256sum -c - <<-E
	$(sha256sum d/numbers)
	0000000000000000000000000000000000000000000000000000000000000000  a/lines
E
cmp a/lines a/old
cmp d/zeros d/zeros2 && diff -r a e2
diff a/lines d/installed && diff a/lines d/numbers | head -n 3
pwd -P | sed 's/.*\///'

step finding
find . -type f -size +1k | sort
find . -type l -printf '%p -> %l\n' | sort
find . -xtype l | sort
find a -newer a/old -type f -print0 | sort -z | tr '\0\n' '\n#'
find . -empty | sort
find . -perm 640 -o -perm -2000 | sort
find a d -name 'p*' -exec sh -c 'echo "$#"' sh {} +
find d -name 'part*' -exec grep -l 250 {} \;
find -L d -name lines | sort
find a -depth | sort
find none
find . -name '*[0-9]' -maxdepth 2 -delete -print | sort

step words and lines
sort a/lines
sort -u -o a/sorted a/lines
sort -rn a/lines | uniq -c
cut -d ' ' -f 2 a/lines | paste -s -d +
tr a-z A-Z <a/lines
sed -i.bak 's/line/Line/' a/lines
sed -n '2{p;q}' d/numbers a/lines
sed -e 'w a/written' -e 's/L/l/' a/lines
awk '{ n += $2; print >"a/awk" } END { print n; system("cat a/awk"); while (("ls d" | getline x) > 0) c++; print c }' a/lines
grep -rn Line a | sort
grep -c none a/lines
grep -q x none
head -n 2 d/numbers
tail -n +999 d/numbers
tac a/lines | nl | expand | fold -w 7
comm -12 a/lines a/written
join a/lines a/written
tee a/tee1 a/tee2 <a/lines | wc -l
od -c a/lines | head -n 2
printf '%s\n' d/p* | xargs -n 3 echo
printf '%s\0' a/l* | xargs -0 -I@ sh -c 'echo "<$1>"' sh @
seq 20 | xargs -P 2 -n 5 sh -c 'exit 0'
echo | xargs sh -c 'exit 255'
echo "xargs: $?"
expr 3 + 4 : 7
seq 3 | while read -r n; do echo "$n" >"a/n$n"; done

step archives
tar -cf a.tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner a d/rel private
tar -tf a.tar
mkdir out
tar -xf a.tar -C out --no-same-owner
diff -r a out/a && echo unpacked
tar -czf - a | tar -tzf - | wc -l
tar -xf none.tar
gzip -nk a.tar
gzip -dc a.tar.gz | cmp - a.tar && echo unzipped
gzip -t a.tar
# tar keeps in it when it was made.
rm a.tar a.tar.gz

step changing
chmod u-w,go= a/lines
chmod -R g+w e2
chmod 644 none
touch a/lines
touch -c none
touch -r a/old a/-dash
rm a/none
rm -f a/none
rm -r e2/b
rmdir a/b
rmdir d
rm d
unlink d/sym
echo replaced >|d/empty
echo more >>d/empty
echo no >private
echo no >none/file
cat d
cat <none
cat d/empty >d/empty2 && cat d/empty - d/empty2 </dev/null

step shells and processes
(cd a/b && pwd | sed 's/.*\/a/a/' && cd - >/dev/null)
cd d/dir && cd .. && ls -d f && cd ..
cd none || echo stays
bash -c 'shopt -s globstar nullglob; printf "%s\n" **/*[ab]* no*; cat <(echo one) <(echo two)'
bash -c 'exec 5<>d/empty; read -u 5 x; echo "$x"; mapfile -t l <d/numbers; echo ${#l[@]}; coproc cat; echo y >&${COPROC[1]}; read z <&${COPROC[0]}; echo $z'
env -i A=1 env
env -i sh -c 'echo "$PATH" | wc -c; set | grep -c LD_'
env A=1 B= sh -c 'echo "$A$B"; exec sh -c "echo \$A; exit 3"'
echo "env: $?"
printf '#!/bin/sh\necho "script $0 $*"\n' >d/script
d/script
chmod +x d/script
d/script x y
PATH=d:$PATH script z
printf '#!/no/such/interpreter\n' >d/bad
chmod +x d/bad
d/bad
echo "bad: $?"
./d
no-such-command
echo "none: $?"
timeout 10 sh -c 'kill -TERM $$'
echo "killed: $?"
nohup echo hupped 2>&1
nice -n 5 sh -c 'echo nice'
setsid sh -c 'echo session'
sh -c 'trap "echo trapped; exit 4" TERM; kill -TERM $$'
echo "trap: $?"
sh -c 'exec 3>d/three 4>&3; echo to three >&3; echo to four >&4; ls /proc/self/fd | wc -l'
sh -c 'ulimit -n 4; cat a/sorted'
sh -c 'ulimit -f 1; seq 100000 >d/large' 2>&1
echo 'cat d/empty' | sh
find / -maxdepth 1 -name etc | xargs ls -d
command -v cat ls | wc -l
exit 7
