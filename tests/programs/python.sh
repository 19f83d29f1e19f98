# Some of Python's own tests, with the Python that is installed.
export PYTHONPATH=$PROGRAMS/python PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=1
exec python3.11 -m test -v test_builtin test_fileio test_genericpath test_getopt test_glob test_grp test_import \
	test_locale test_mimetypes test_netrc test_os test_pathlib test_popen test_posix test_posixpath test_pwd \
	test_shutil test_stat test_subprocess test_tarfile test_tempfile test_zipfile
