// DNNEngine
